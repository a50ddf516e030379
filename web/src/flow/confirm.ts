/** Confirm that what the rules found about a whole CT is no error. */

import { sendJson } from '../api/client';
import type { TaskDetail } from '../api/types';

/** Confirm all findings about a CT as a whole; gives true once the server has them. */
export async function confirmFindings(detail: TaskDetail, why: string): Promise<boolean> {
  if (detail.rules.length === 0) throw new Error('No finding about this CT is open; go on with another task.');
  for (const rule of detail.rules)
    await sendJson('POST', `/api/cases/${detail.case}/confirm`, { rule, organs: ['whole_ct'], why });
  return true;
}
