/** The planes, beside each other; one of them may fill the place of all. */

import { useLayoutEffect, useRef } from 'preact/hooks';
import { PLANES, type PlaneName } from '../geometry/planes';
import { OtherCt } from './OtherCt';
import { VolumeView } from './VolumeView';
import type { Shared } from './App';

const TITLES: Readonly<Record<PlaneName, string>> = {
  axial: 'Axial',
  coronal: 'Coronal',
  sagittal: 'Sagittal',
};

function PlaneFrame({ page, name }: Shared & { readonly name: PlaneName }) {
  const frame = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    frame.current!.append(page.planes[name].element);
    const watcher = new ResizeObserver(() => page.redraw());
    watcher.observe(frame.current!);
    return () => watcher.disconnect();
  }, []);
  const { task } = page;
  const slice =
    task === undefined
      ? ''
      : `${task.cursor[task.planes[name].across] + 1} / ${task.grid.size[task.planes[name].across]}`;
  const isHidden = page.enlarged !== undefined && page.enlarged !== name;
  return (
    <section class={`plane plane-${name}`} hidden={isHidden} aria-label={TITLES[name]}>
      <div class="frame" ref={frame} />
      <p class="corner" aria-hidden="true">
        {TITLES[name]} <span data-testid={`slice-${name}`}>{slice}</span>
      </p>
    </section>
  );
}

/** Draw the planes, the 3D view and the other CT. */
export function Planes(shared: Shared) {
  const { page } = shared;
  const hasMore = page.enlarged === undefined && (page.hasVolumeView || page.otherCt !== undefined);
  const className = `planes${page.enlarged === undefined ? '' : ' one'}${hasMore ? ' more' : ''}`;
  return (
    <div class={className}>
      {PLANES.map((name) => (
        <PlaneFrame key={name} {...shared} name={name} />
      ))}
      {page.hasVolumeView && page.enlarged === undefined ? <VolumeView {...shared} /> : null}
      {page.otherCt !== undefined && page.enlarged === undefined ? <OtherCt {...shared} /> : null}
      {page.task === undefined ? (
        <p class="empty">{page.waitsFor ?? 'No task is open. Press N for the next one.'}</p>
      ) : null}
    </div>
  );
}
