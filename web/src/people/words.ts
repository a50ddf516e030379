/** Rules of assignment in words. */

import type { AssignmentInfo } from '../api/people';
import type { OrganInfo } from '../api/types';

/** Say what a rule deals to whom. */
export function assignmentSaid(
  { reader, organ, share }: AssignmentInfo,
  organs: readonly OrganInfo[],
): string {
  const of = organ === null ? 'all organs' : (organs.find((one) => one.organ === organ)?.name ?? organ);
  const part = share === null ? 'the tasks' : `${Math.round(1000 * share) / 10} % of the tasks`;
  return `${reader} gets ${part} of ${of}.`;
}
