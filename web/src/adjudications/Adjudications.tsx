/** The tasks whose readings wait for a decision. */

import { useEffect, useState } from 'preact/hooks';
import { type AdjudicationInfo, getAdjudications } from '../api/adjudications';
import { hasRole } from '../api/people';
import type { SessionInfo } from '../api/types';
import type { Cell, Column } from '../sheet/cells';
import { Section, Sheet } from '../sheet/Sheet';
import { SortedTable } from '../sheet/SortedTable';
import { useWork } from '../sheet/work';

const COLUMNS: readonly Column[] = [
  { name: 'Task', kind: 'number' },
  { name: 'Organ', kind: 'text' },
  { name: 'CT', kind: 'text' },
  { name: 'Round', kind: 'number' },
  { name: 'Readings', kind: 'number' },
  { name: 'Differ by, in mL', kind: 'number' },
  { name: 'Dice', kind: 'number' },
];

/** Draw the list; it is for adjudicators. */
export function Adjudications({ session }: { readonly session: SessionInfo }) {
  const work = useWork();
  const isAdjudicator = hasRole(session.roles, 'adjudicator');
  const [tasks, setTasks] = useState<readonly AdjudicationInfo[] | undefined>();
  useEffect(() => {
    if (isAdjudicator) void work.run('', async () => setTasks(await getAdjudications()));
  }, []);
  return (
    <Sheet title="Adjudication" about={session.project} session={session} problem={work.problem}>
      {isAdjudicator ? (
        <Section title="Readings that disagree">
          <p class="quiet">Readers are shown by letters. Every reading is kept, whichever mask stands.</p>
          {tasks?.length === 0 ? <p>No task waits for a decision.</p> : null}
          {tasks === undefined || tasks.length === 0 ? null : (
            <SortedTable
              caption="Tasks that wait"
              columns={COLUMNS}
              rows={tasks.map(cellsOf)}
              head={linkOf}
            />
          )}
        </Section>
      ) : (
        <p role="alert">This page is for adjudicators; an admin can give you that role.</p>
      )}
    </Sheet>
  );
}

const rounded = (value: number | null, digits: number): number | null =>
  value === null ? null : Number(value.toFixed(digits));

const cellsOf = (one: AdjudicationInfo): readonly Cell[] => [
  one.task,
  one.name,
  one.case,
  one.round,
  one.n_readings,
  rounded(one.differ_ml, 2),
  rounded(one.dice, 3),
];

function linkOf([task]: readonly Cell[]) {
  return (
    <a href={`./#adjudication=${String(task)}`} data-testid={`adjudicate-${String(task)}`}>
      Open {String(task)}
    </a>
  );
}
