/** Tasks whose readings wait for a decision, at the server; docs/review-server.md describes the routes. */

import { getJson, sendBytes, sendJson } from './client';
import type { SaveInfo, TaskDetail } from './types';

/** A task that waits for an adjudicator. */
export interface AdjudicationInfo {
  readonly task: number;
  readonly round: number;
  readonly case: string;
  readonly organ: string;
  readonly name: string;
  readonly n_readings: number;
  readonly differ_ml: number;
  readonly dice: number | null;
}

/** One reader's answer, by letter: an adjudicator does not learn whose it is. */
export interface ReadingInfo {
  readonly label: string;
  readonly revision: number;
  readonly says: string;
  readonly volume_ml: number | null;
}

export interface AdjudicationDetail extends TaskDetail {
  readonly readings: readonly ReadingInfo[];
  readonly common_ml: number | null;
  /** Masks that can stand: `revision:4`, `common`, and from three readings on `majority` and `staple`. */
  readonly sources: readonly string[];
  /** Hash of the mask of each source, with which an edit begins. */
  readonly bases: Readonly<Record<string, string>>;
}

export interface DecisionInfo {
  readonly decision: number;
  readonly revision: number;
}

export const getAdjudications = async (): Promise<readonly AdjudicationInfo[]> =>
  (await getJson<{ tasks: AdjudicationInfo[] }>('/api/adjudications')).tasks;

export const getAdjudication = (task: number): Promise<AdjudicationDetail> =>
  getJson(`/api/adjudications/${task}`);

export const decideTask = (task: number, stands: string, why: string): Promise<DecisionInfo> =>
  sendJson('POST', `/api/adjudications/${task}/decide`, { stands, why });

export const saveAdjudicated = (task: number, edits: Uint8Array): Promise<SaveInfo> =>
  sendBytes('POST', `/api/adjudications/${task}/save`, edits);

/** The source of a reading's mask. */
export const sourceOfReading = ({ revision }: ReadingInfo): string => `revision:${revision}`;
