/** The organs: name, colour, volume; which is edited, which are shown, which are locked. */

import type { TaskOrgan } from '../api/types';
import type { Shared } from './App';

/** Draw the list; organs without a mask come last. */
export function OrganList(shared: Shared) {
  const { page } = shared;
  const { detail } = page.task!;
  const own = detail.organs.filter(({ organ }) => organ === detail.organ);
  const others = detail.organs.filter(({ organ }) => organ !== detail.organ);
  const known = others.filter(({ base }) => base !== null);
  const unknown = others.filter(({ base }) => base === null);
  return (
    <section class="organs">
      <h2>Organs</h2>
      <ul>
        {[...own, ...known, ...unknown].map((organ) => (
          <OrganRow key={organ.organ} {...shared} about={organ} />
        ))}
      </ul>
    </section>
  );
}

function OrganRow({ page, about }: Shared & { readonly about: TaskOrgan }) {
  const { organ } = about;
  const { session, detail } = page.task!;
  const name = page.nameOf(organ);
  const isLocked = session.masks.isLocked(organ);
  const isHidden = page.view.hiddenOrgans.has(organ);
  const isOwn = organ === detail.organ;
  const toggleLock = (): void => {
    session.setLocked(organ, !isLocked);
    page.update();
  };
  const toggleShown = (): void => {
    page.view.toggleOrgan(organ);
    page.update();
  };
  return (
    <li class={organ === page.organ ? 'organ chosen' : 'organ'} data-testid={`organ-${organ}`}>
      <button
        type="button"
        class={isOwn ? 'name own' : 'name'}
        aria-current={organ === page.organ}
        data-testid={`choose-${organ}`}
        onClick={() => page.chooseOrgan(organ)}
      >
        <Swatch colour={page.infos.get(organ)?.colour ?? [200, 200, 200]} />
        <span>{name}</span>
        <span class="volume" data-testid={`volume-${organ}`}>
          {volumeText(page.task!.volumeMl(organ))}
        </span>
      </button>
      <button
        type="button"
        class="icon"
        aria-pressed={!isHidden}
        aria-label={`${name} shown`}
        title={isHidden ? 'Show' : 'Hide'}
        data-testid={`show-${organ}`}
        onClick={toggleShown}
      >
        {isHidden ? <EyeClosed /> : <Eye />}
      </button>
      <button
        type="button"
        class="icon"
        aria-pressed={isLocked}
        aria-label={`${name} locked`}
        title={about.is_editable ? (isLocked ? 'Unlock' : 'Lock') : about.why_locked}
        disabled={!about.is_editable || page.adjudicate !== undefined}
        data-testid={`lock-${organ}`}
        onClick={toggleLock}
      >
        {isLocked ? <Lock /> : <LockOpen />}
      </button>
    </li>
  );
}

const volumeText = (ml: number | undefined): string =>
  ml === undefined ? '–' : `${ml < 10 ? ml.toFixed(1) : Math.round(ml)} mL`;

/** The organ's colour; drawn as an image, as the page allows no style attributes. */
function Swatch({ colour: [r, g, b] }: { readonly colour: readonly [number, number, number] }) {
  return (
    <svg class="swatch" viewBox="0 0 12 12" aria-hidden="true">
      <rect
        x="0.5"
        y="0.5"
        width="11"
        height="11"
        rx="3"
        stroke="currentColor"
        stroke-opacity="0.6"
        fill={`rgb(${r}, ${g}, ${b})`}
      />
    </svg>
  );
}

const Eye = () => (
  <svg viewBox="0 0 16 16" aria-hidden="true">
    <path d="M1 8s2.5-4.5 7-4.5S15 8 15 8s-2.5 4.5-7 4.5S1 8 1 8z" />
    <circle cx="8" cy="8" r="2" />
  </svg>
);

const EyeClosed = () => (
  <svg viewBox="0 0 16 16" aria-hidden="true">
    <path d="M1 7s2.5 4 7 4 7-4 7-4M4 11l-1 2M8 11.5v2M12 11l1 2" />
  </svg>
);

const Lock = () => (
  <svg viewBox="0 0 16 16" aria-hidden="true">
    <rect x="3.5" y="7" width="9" height="6.5" rx="1" />
    <path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2" />
  </svg>
);

const LockOpen = () => (
  <svg viewBox="0 0 16 16" aria-hidden="true" class="faint">
    <rect x="3.5" y="7" width="9" height="6.5" rx="1" />
    <path d="M5.5 7V4.5a2.5 2.5 0 0 1 5 0" />
  </svg>
);
