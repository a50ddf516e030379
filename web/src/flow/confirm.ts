/** Confirm that what the rules found about a whole CT is no error. */

import { getJson, sendJson } from '../api/client';

interface FoundRule {
  readonly case: string;
  readonly rule: string;
}

/** Confirm all findings about a CT as a whole; gives true once the server has them. */
export async function confirmFindings(caseId: string, why: string): Promise<boolean> {
  const { ct_findings: found } = await getJson<{ readonly ct_findings: readonly FoundRule[] }>(
    '/api/dashboard',
  );
  const rules = new Set(found.filter((one) => one.case === caseId).map(({ rule }) => rule));
  for (const rule of rules)
    await sendJson('POST', `/api/cases/${caseId}/confirm`, { rule, organs: ['whole_ct'], why });
  return true;
}
