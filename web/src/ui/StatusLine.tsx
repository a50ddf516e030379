/** The line below: voxel, mm and HU under the pointer, window, tool. */

import { useEffect, useState } from 'preact/hooks';
import type { Vec3 } from '../engine';
import { mmOfVoxel } from '../geometry/planes';
import { huAt } from '../viewer/slices';
import type { Shared } from './App';

/** Draw the line; it follows the pointer without drawing the rest of the page. */
export function StatusLine({ page }: Shared) {
  const [hovered, setHovered] = useState<Vec3 | undefined>();
  useEffect(() => {
    page.onHover = setHovered;
  }, []);
  const { task, view, settings } = page;
  const { low, high } = view.window;
  const voxel = hovered ?? task?.cursor;
  return (
    <footer class="status">
      {task === undefined || voxel === undefined ? null : (
        <>
          <span data-testid="status-voxel">voxel {voxel.join(', ')}</span>
          <span data-testid="status-mm">
            mm{' '}
            {mmOfVoxel(task.detail.geometry.affine, voxel)
              .map((mm) => mm.toFixed(1))
              .join(', ')}
          </span>
          <span data-testid="status-hu">{huText(huAt(task.ct, voxel))}</span>
          <span>{task.isWhole ? 'whole CT' : wholeText(task.wholeShare)}</span>
        </>
      )}
      <span class="fill" />
      <span>
        brush {settings.radiusMm} mm {settings.isBall ? 'ball' : 'disc'}
      </span>
      <span data-testid="status-window">
        window {low} to {high} HU
      </span>
      <span>
        press <kbd>?</kbd> for all keys
      </span>
    </footer>
  );
}

const huText = (hu: number | undefined): string => (hu === undefined ? 'HU –' : `HU ${hu}`);

const wholeText = (share: number | undefined): string =>
  share === undefined ? 'region (⇧W loads the whole CT)' : `whole CT ${Math.round(100 * share)} %`;
