/** The JSON of `GET /api/dashboard`; docs/review-server.md describes it. */

import type { Colour } from '../api/types';
import type { Cell, Column } from '../sheet/cells';

export interface Due {
  readonly who: string;
  readonly what: string;
  readonly command: string;
}

export interface OrganProgress {
  readonly organ: string;
  readonly name: string;
  readonly colour: Colour;
  readonly n_original: number;
  readonly n_revised: number;
  readonly n_predicted: number;
  readonly n_held: number;
  readonly n_unknown: number;
  readonly n_open: number;
  readonly n_done: number;
  readonly error_ml: number | null;
}

export interface QueueProgress {
  readonly counts: Readonly<Record<string, number>>;
  readonly minutes_open: number | null;
  readonly n_left_out: number;
  readonly minutes_left_out: number;
  readonly budget_minutes: number | null;
}

export interface CtFinding {
  readonly case: string;
  readonly rule: string;
  readonly said: string;
  readonly severity: number;
  readonly command: string;
}

export interface ErrorLeft {
  readonly expected_ml: number | null;
  readonly share: number | null;
  readonly said: string;
  readonly is_last_round: boolean;
  readonly n_drawn: number;
  readonly n_back: number;
}

export interface RoundLine {
  readonly number: number;
  readonly network: string;
  readonly dice: number | null;
  readonly surface_dice: number | null;
  readonly n_compared: number;
  readonly minutes: number | null;
  readonly attention_ml: number | null;
  readonly n_tasks: number | null;
  readonly n_revised: number | null;
  readonly added_ml: number | null;
  readonly removed_ml: number | null;
  readonly verdict: string | null;
  readonly verdict_network: string | null;
  readonly verdict_why: string | null;
}

export interface ReaderMinutes {
  readonly reader: string;
  readonly n_revisions: number;
  readonly minutes: number;
  readonly minutes_in_round: number;
  readonly minutes_at_work: number;
}

/** A table whose content the page does not know. */
export interface DashboardTable {
  readonly id: string;
  readonly title: string;
  readonly said: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface DashboardData {
  readonly project: string;
  readonly made: string;
  readonly round: number;
  readonly network: string;
  readonly n_cases: number;
  readonly n_excluded: number;
  readonly n_predicted: number;
  readonly n_held: number;
  readonly n_mask_findings: number;
  readonly n_conflicts: number;
  readonly due: readonly Due[];
  readonly organs: readonly OrganProgress[];
  readonly queue: QueueProgress;
  readonly n_ct_findings: number;
  readonly ct_findings: readonly CtFinding[];
  readonly error_left: ErrorLeft;
  readonly rounds: readonly RoundLine[];
  readonly compared_with: string;
  readonly readers: readonly ReaderMinutes[];
  readonly tables: readonly DashboardTable[];
}
