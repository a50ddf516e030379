/** The legend of readings that are adjudicated: their letters, lines and volumes, and which are shown. */

import { type ReadingInfo, sourceOfReading } from '../api/adjudications';
import { type ReadingStyle, styleOf } from '../viewer/drawReadings';
import type { Shared } from './App';

/** Draw the legend. */
export function Readings({ page }: Shared) {
  const { adjudicate, view } = page;
  const detail = adjudicate?.detail;
  if (adjudicate === undefined || detail === undefined) return null;
  const shown = view.readings?.shown ?? 'all';
  const rows = [
    ...detail.readings.map((one, place) => ({
      source: sourceOfReading(one),
      label: one.label,
      said: readingSaid(one),
      style: styleOf(place) as ReadingStyle | undefined,
    })),
    { source: 'common', label: 'Common part', said: volumeSaid(detail.common_ml), style: undefined },
  ];
  return (
    <section class="readings" data-testid="readings">
      <h2>Readings ({detail.readings.length})</h2>
      <ul>
        {rows.map(({ source, label, said, style }) => (
          <li key={source}>
            <button
              type="button"
              class={shown === source ? 'row chosen' : 'row'}
              aria-pressed={shown === source}
              title={`Show ${label} alone`}
              data-testid={`reading-${source}`}
              onClick={() => adjudicate.showAlone(shown === source ? 'all' : source)}
            >
              <Line style={style} />
              <span>{label}</span>
              <span class="volume">{said}</span>
            </button>
          </li>
        ))}
      </ul>
      <p class="hint">
        <kbd>Y</kbd> flickers between the readings, <kbd>U</kbd> shows one alone, then all.
      </p>
      <p class="hint">
        {adjudicate.begunWith === undefined ? (
          <>
            <kbd>⇧A</kbd> decides, <kbd>R</kbd> edits one of the masks.
          </>
        ) : (
          <>
            Your edit is the filled mask; <kbd>S</kbd> saves it, and it stands then.
          </>
        )}
      </p>
    </section>
  );
}

const volumeSaid = (ml: number | null): string => (ml === null ? '–' : `${ml.toFixed(ml < 10 ? 2 : 1)} mL`);

const readingSaid = ({ says, volume_ml: ml }: ReadingInfo): string => `${says}, ${volumeSaid(ml)}`;

/** A piece of the reading's line; the common part is filled. */
function Line({ style }: { readonly style: ReadingStyle | undefined }) {
  return (
    <svg class="line" viewBox="0 0 30 12" aria-hidden="true">
      {style === undefined ? (
        <rect
          x="1"
          y="2"
          width="28"
          height="8"
          fill="rgb(235, 235, 235)"
          fill-opacity="0.6"
          stroke="currentColor"
        />
      ) : (
        <>
          <rect width="30" height="12" rx="2" fill="#000000" />
          <line
            x1="1"
            y1="6"
            x2="29"
            y2="6"
            stroke={`rgb(${style.colour.join(', ')})`}
            stroke-width="2.5"
            stroke-dasharray={style.dash.join(' ')}
          />
        </>
      )}
    </svg>
  );
}
