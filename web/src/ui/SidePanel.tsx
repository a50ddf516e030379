/** The panel beside the planes: hot spots, organs, comparison, notes. */

import { compareSources, compareWith, setMode } from '../flow/compare';
import { showHistory } from '../flow/history';
import { askNote, nameOfKind } from '../flow/notes';
import { showSpot } from '../flow/spots';
import type { CompareMode } from '../viewer/viewState';
import type { Shared } from './App';
import { OrganList } from './OrganList';
import { Readings } from './Readings';

/** Draw the panel. */
export function SidePanel(shared: Shared) {
  const { page } = shared;
  return (
    <aside class="side" aria-label="Task">
      {page.task === undefined ? null : (
        <>
          <Readings {...shared} />
          <Spots {...shared} />
          <OrganList {...shared} />
          {page.adjudicate === undefined ? <Compare {...shared} /> : null}
          <Notes {...shared} />
        </>
      )}
    </aside>
  );
}

function Spots({ page }: Shared) {
  const task = page.task!;
  const { findings, reason, is_whole: isWhole } = task.detail;
  return (
    <section class="spots">
      <h2>
        {isWhole
          ? 'Whole organ'
          : `${page.adjudicate === undefined ? 'Hot spots' : 'Differences'} (${task.spots.length})`}
      </h2>
      {isWhole ? <p class="hint">Look at the whole organ, then accept or revise it.</p> : null}
      {reason === '' ? null : <p class="hint">{reason}</p>}
      <ol>
        {task.spots.map((spot) => (
          <li key={spot.number}>
            <button
              type="button"
              class={spot.number === page.spot ? 'row chosen' : 'row'}
              data-testid={`spot-${spot.number}`}
              aria-current={spot.number === page.spot}
              onClick={() => showSpot(page, spot)}
            >
              <span class="mark">{task.seenSpots.has(spot.number) ? '✓' : spot.number}</span>
              <span>{spot.said}</span>
            </button>
          </li>
        ))}
      </ol>
      {findings.map((said) => (
        <p key={said} class="finding">
          {said}
        </p>
      ))}
    </section>
  );
}

const MODES: readonly (readonly [CompareMode, string])[] = [
  ['off', 'Off'],
  ['flicker', 'Flicker Y'],
  ['swipe', 'Swipe ⇧Y'],
];

function Compare({ page }: Shared) {
  const { view } = page;
  const sources = compareSources(page);
  return (
    <section class="compare">
      <h2>Compare</h2>
      <label class="field wide">
        <span class="hidden">Compare with</span>
        <select
          data-testid="compare-source"
          value={view.other?.id ?? ''}
          onChange={(event) => void compareWith(page, event.currentTarget.value)}
        >
          <option value="" disabled>
            Choose a mask (U)
          </option>
          {sources.map(({ source, label }) => (
            <option key={source} value={source}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <div class="modes" role="group" aria-label="How to compare">
        {MODES.map(([mode, label]) => (
          <button
            key={mode}
            type="button"
            class={view.compareMode === mode ? 'small chosen' : 'small'}
            aria-pressed={view.compareMode === mode}
            disabled={view.other === undefined}
            data-testid={`compare-${mode}`}
            onClick={() => setMode(page, mode)}
          >
            {label}
          </button>
        ))}
      </div>
      {view.other !== undefined && !view.other.knows(page.organ) ? (
        <p class="hint">It has no mask of this organ.</p>
      ) : null}
    </section>
  );
}

function Notes({ page }: Shared) {
  const { notes, detail } = page.task!;
  const others = detail.other_cts;
  const valid = notes.filter((note) => !note.is_withdrawn);
  return (
    <section class="notes">
      <h2>This CT</h2>
      {valid.map((note) => (
        <p key={note.note} class="hint">
          {`${nameOfKind(note.kind)}${note.text === '' ? '' : `: ${note.text}`} (${note.by})`}
        </p>
      ))}
      <button type="button" class="small" data-testid="add-note" onClick={() => askNote(page)}>
        Note or flag ⇧N
      </button>
      <button type="button" class="small" data-testid="show-history" onClick={() => void showHistory(page)}>
        History of {page.nameOf(page.organ)} ⇧R
      </button>
      {others.map((other) => (
        <button
          key={other.case}
          type="button"
          class={page.otherCt === other.case ? 'small chosen' : 'small'}
          aria-pressed={page.otherCt === other.case}
          onClick={() => {
            page.otherCt = page.otherCt === other.case ? undefined : other.case;
            page.update();
          }}
        >
          Other CT: {other.case}
        </button>
      ))}
    </section>
  );
}
