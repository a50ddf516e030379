/** The JSON of the review server; docs/review-server.md describes it. */

import type { Vec3 } from '../engine';

export type Colour = readonly [number, number, number];

export interface OrganInfo {
  readonly organ: string;
  readonly index: number;
  readonly name: string;
  readonly colour: Colour;
  readonly kind: 'organ' | 'tumour' | 'cyst';
  readonly partner: string | null;
}

export type Role = 'reader' | 'adjudicator' | 'admin';

/** How people come in: by the server's link, by name and password, or by a proxy that knows them. */
export type LoginMode = 'link' | 'password' | 'proxy';

export interface SessionInfo {
  readonly reader: string;
  readonly roles: readonly Role[];
  readonly login: LoginMode;
  readonly project: string;
  readonly round: number;
  readonly network: string;
  readonly networks: readonly string[];
  readonly version: string;
  readonly is_demo: boolean;
  readonly lease_minutes: number;
  readonly last_event: number;
  readonly flags: readonly string[];
  readonly organs: readonly OrganInfo[];
}

export interface TaskInfo {
  readonly task: number;
  readonly round: number;
  readonly case: string;
  readonly organ: string;
  readonly name: string;
  readonly kind: 'attention' | 'finding' | 'requested' | 'audit' | 'held-out';
  readonly state: string;
  readonly is_whole: boolean;
  readonly is_of_ct: boolean;
  readonly n_readings: number;
  readonly rank: number;
  readonly attention_ml: number | null;
  readonly error_ml: number | null;
  readonly n_spots: number | null;
  readonly minutes: number | null;
  readonly reason: string;
  readonly holder: string | null;
  readonly until: string | null;
  readonly n_drafts: number;
}

export interface Geometry {
  readonly shape: Vec3;
  readonly affine: readonly (readonly number[])[];
  readonly spacing_mm: Vec3;
  readonly orientation: string;
  readonly voxel_ml: number;
}

export interface HotSpot {
  readonly number: number;
  readonly said: string;
  readonly volume_ml: number;
  readonly error_ml: number | null;
  readonly low_voxel: Vec3;
  /** Included. */
  readonly high_voxel: Vec3;
  readonly centre_mm: Vec3;
}

export interface TaskOrgan {
  readonly organ: string;
  readonly base: string | null;
  readonly source: string | null;
  readonly volume_ml: number | null;
  readonly is_editable: boolean;
  readonly why_locked: string;
}

export interface OtherCt {
  readonly case: string;
  readonly source: string;
  readonly geometry: Geometry;
}

export interface CaseNote {
  readonly note: number;
  readonly case: string;
  readonly kind: string;
  readonly text: string;
  readonly by: string;
  readonly time: string;
  readonly is_withdrawn: boolean;
}

export interface DraftInfo {
  readonly draft: string;
  readonly task: number;
  readonly time: string;
  readonly n_bytes: number;
  readonly organs: readonly string[];
  readonly is_stale: boolean;
  readonly why: 'autosave' | 'stale-base' | 'failed';
}

export interface TaskDetail extends TaskInfo {
  readonly geometry: Geometry;
  readonly has_attention: boolean;
  readonly hot_spots: readonly HotSpot[];
  readonly region: readonly number[];
  readonly base: string | null;
  readonly base_source: string | null;
  readonly network: string;
  readonly organs: readonly TaskOrgan[];
  readonly masks: readonly string[];
  readonly findings: readonly string[];
  /** Of a task about a whole CT: rules whose findings are open. */
  readonly rules: readonly string[];
  readonly other_cts: readonly OtherCt[];
  readonly notes: readonly CaseNote[];
  readonly drafts: readonly DraftInfo[];
}

export interface NextTask {
  readonly task: TaskDetail | null;
  readonly n_free: number;
}

export interface Queue {
  readonly round: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly mine: readonly TaskInfo[];
  readonly next: readonly TaskInfo[];
  readonly n_free: number;
}

export interface SavedRevision {
  readonly organ: string;
  readonly revision: number;
  readonly says: string;
  readonly stands: boolean;
  readonly why_not: string;
  readonly added_ml: number | null;
  readonly removed_ml: number | null;
  readonly dice_to_base: number | null;
  readonly findings: readonly string[];
}

export interface SaveInfo {
  readonly save: string;
  readonly task: number;
  readonly state: 'queued' | 'done' | 'failed';
  readonly bases: Readonly<Record<string, string>>;
  readonly revisions: readonly SavedRevision[];
  readonly said: string;
}

/** An organ whose mask is another one by now. */
export interface StaleOrgan {
  readonly organ: string;
  readonly base: string | null;
  readonly now: string | null;
  readonly source: string | null;
  readonly revision: number | null;
  readonly by: string | null;
  readonly time: string | null;
}

/** One thing that happened to an organ. */
export interface HistoryEvent {
  readonly time: string | null;
  /** `original label`, `prediction`, `revision`, `decision` or `confirmation`. */
  readonly what: string;
  readonly by: string;
  readonly said: string;
  readonly revision: number | null;
  readonly stands: boolean;
}

export interface OrganHistory {
  readonly case: string;
  readonly organ: string;
  readonly stands: string | null;
  readonly why: string;
  readonly events: readonly HistoryEvent[];
}

export interface TaskEvent {
  readonly task: number;
  readonly case: string;
  readonly organ: string;
  readonly state: string;
  readonly holder: string | null;
}
