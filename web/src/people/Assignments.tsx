/** Rules by which tasks are dealt to readers: an organ, a share of the queue, or both. */

import { type AssignmentInfo, addAssignment, removeAssignment } from '../api/people';
import type { OrganInfo } from '../api/types';
import type { Work } from '../sheet/work';
import { assignmentSaid } from './words';

interface AssignmentsProps {
  readonly organs: readonly OrganInfo[];
  readonly readers: readonly string[];
  readonly assignments: readonly AssignmentInfo[];
  readonly work: Work;
  readonly onChange: () => Promise<void>;
}

/** Draw the rules, and the form that adds one. */
export function Assignments({ organs, readers, assignments, work, onChange }: AssignmentsProps) {
  const remove = (rule: AssignmentInfo): void =>
    void work.run('The rule is removed; its tasks are free again.', () =>
      removeAssignment(rule.number).then(onChange),
    );
  return (
    <>
      {assignments.length === 0 ? <p>No rule: every reader gets the next task by rank.</p> : null}
      <ul>
        {assignments.map((rule) => (
          <li key={rule.number} data-testid={`assignment-${rule.number}`}>
            {`${assignmentSaid(rule, organs)} `}
            <button
              type="button"
              aria-label={`Remove the rule of ${rule.reader}`}
              onClick={() => remove(rule)}
            >
              Remove
            </button>
          </li>
        ))}
      </ul>
      <AddRule organs={organs} readers={readers} work={work} onChange={onChange} />
    </>
  );
}

function AddRule({ organs, readers, work, onChange }: Omit<AssignmentsProps, 'assignments'>) {
  const add = (form: HTMLFormElement): void => {
    const given = new FormData(form);
    const [organ, percent] = [String(given.get('organ')), Number(given.get('share'))];
    void work.run('The rule is added; it holds for the tasks of this round that are free.', async () => {
      await addAssignment({
        reader: String(given.get('reader')),
        organ: organ === '' ? null : organ,
        share: percent === 0 ? null : percent / 100,
      });
      form.reset();
      await onChange();
    });
  };
  return (
    <form
      class="form"
      aria-label="Add a rule"
      onSubmit={(event) => {
        event.preventDefault();
        add(event.currentTarget);
      }}
    >
      <label>
        <span>Reader</span>
        <select name="reader" required>
          {readers.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        <span>Organ</span>
        <select name="organ">
          <option value="">all organs</option>
          {organs.map(({ organ, name }) => (
            <option key={organ} value={organ}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>Share in %, if any</span>
        <input name="share" type="number" min={1} max={100} step={1} />
      </label>
      <button type="submit" disabled={work.isBusy || readers.length === 0}>
        Add the rule
      </button>
    </form>
  );
}
