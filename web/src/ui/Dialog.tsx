/** Dialogs: questions, the overview of keys, the queue. */

import { useLayoutEffect, useRef } from 'preact/hooks';
import type { TaskInfo } from '../api/types';
import { commandsOf } from '../adjudication/commands';
import { GROUPS } from '../commands';
import { shownKey } from '../keys';
import type { Shared } from './App';
import { HistoryList } from './HistoryList';
import type { AskDialog, DialogAnswer, DialogState } from './dialogState';

/** Draw the dialog that is open. */
export function Dialog(shared: Shared) {
  const { page } = shared;
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => element.current!.showModal(), []);
  const close = (): void => page.closeDialog();
  const dialog = page.dialog!;
  return (
    <dialog
      ref={element}
      class={`dialog ${dialog.kind}`}
      aria-labelledby="dialog-title"
      onClose={close}
      onCancel={close}
      data-testid={`dialog-${dialog.kind}`}
    >
      {contentOf(dialog, shared)}
    </dialog>
  );
}

function contentOf(dialog: DialogState, shared: Shared) {
  if (dialog.kind === 'ask') return <Ask {...shared} dialog={dialog} />;
  if (dialog.kind === 'queue')
    return <QueueList {...shared} tasks={[...dialog.queue.mine, ...dialog.queue.next]} />;
  if (dialog.kind === 'history') return <HistoryList {...shared} history={dialog.history} />;
  return <Help {...shared} />;
}

function Ask({ page, dialog }: Shared & { readonly dialog: AskDialog }) {
  const field = useRef<HTMLInputElement>(null);
  const give = (answer: DialogAnswer): void => {
    const text = field.current?.value ?? '';
    page.closeDialog();
    answer.run(text);
  };
  const onKey = (event: KeyboardEvent): void => {
    const isTyping = event.target === field.current && (field.current?.value ?? '') !== '';
    if (event.key === 'Enter' && event.target === field.current) return giveMain(event);
    const answer = isTyping ? undefined : dialog.answers.find(({ key }) => key === event.key.toLowerCase());
    if (answer === undefined || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    give(answer);
  };
  const giveMain = (event: Event): void => {
    event.preventDefault();
    give(dialog.answers.find(({ isMain }) => isMain === true) ?? dialog.answers[0]!);
  };
  return (
    <form method="dialog" onKeyDown={onKey} onSubmit={giveMain}>
      <h2 id="dialog-title">{dialog.title}</h2>
      {dialog.lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
      {dialog.input === undefined ? null : (
        <label class="field wide">
          <span>{dialog.input.label}</span>
          <input
            ref={field}
            type="text"
            autofocus
            defaultValue={dialog.input.value}
            data-testid="dialog-text"
          />
        </label>
      )}
      <div class="answers">
        {dialog.answers.map((answer) => (
          <button
            key={answer.label}
            type="button"
            class={answer.isMain === true ? 'main' : 'small'}
            autofocus={answer.isMain === true && dialog.input === undefined}
            onClick={() => give(answer)}
          >
            {answer.label}
            {answer.key === undefined || /^\d/.test(answer.label) ? null : (
              <kbd aria-hidden="true">{shownKey(answer.key)}</kbd>
            )}
          </button>
        ))}
      </div>
    </form>
  );
}

function Help({ page }: Shared) {
  return (
    <>
      <h2 id="dialog-title">Keys</h2>
      <div class="key-table">
        {GROUPS.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {commandsOf(page)
                .filter((command) => command.group === group)
                .map((command) => (
                  <div key={command.id}>
                    <dt>
                      {command.keys
                        .map(shownKey)
                        .filter(isNew)
                        .map((key) => (
                          <kbd key={key}>{key}</kbd>
                        ))}
                    </dt>
                    <dd>{command.label}</dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>Pointer</h3>
          <dl>
            {POINTER.map(([what, does]) => (
              <div key={what}>
                <dt>
                  <kbd>{what}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
      <div class="answers">
        <button type="button" class="main" autofocus onClick={() => page.closeDialog()}>
          Close
        </button>
      </div>
    </>
  );
}

const isNew = (key: string, n: number, all: readonly string[]): boolean =>
  all.indexOf(key) === n && key !== '⇧ ?';

const POINTER: readonly (readonly [string, string])[] = [
  ['Wheel', 'Slices'],
  ['Ctrl wheel, pinch', 'Zoom'],
  ['⇧ wheel', 'Brush size'],
  ['⇧ click, drag', 'Crosshair'],
  ['Right drag', 'Window'],
  ['Middle or Alt drag', 'Move the picture'],
  ['Ctrl with a tool', 'The opposite: remove instead of add'],
];

function QueueList({ page, openTask, tasks }: Shared & { readonly tasks: readonly TaskInfo[] }) {
  const open = (task: number): void => {
    page.closeDialog();
    openTask(task);
  };
  return (
    <>
      <h2 id="dialog-title">Queue</h2>
      <table>
        <thead>
          <tr>
            <th>Task</th>
            <th>Organ</th>
            <th>CT</th>
            <th>Why</th>
            <th>Minutes</th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task, n) => (
            <tr key={task.task}>
              <td>
                <button
                  type="button"
                  class="small"
                  autofocus={n === 0}
                  data-testid={`open-task-${task.task}`}
                  onClick={() => open(task.task)}
                >
                  Open {task.task}
                </button>
              </td>
              <td>{task.name}</td>
              <td>{task.case}</td>
              <td>{task.is_whole ? 'whole organ' : task.reason || `${task.n_spots ?? 0} hot spots`}</td>
              <td class="number">{task.minutes?.toFixed(1) ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div class="answers">
        <button type="button" class="main" autofocus={tasks.length === 0} onClick={() => page.closeDialog()}>
          Close
        </button>
      </div>
    </>
  );
}
