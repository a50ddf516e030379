/** How the planes show a task: window, masks, attention, comparison. */

import type { MaskSource } from '../task/maskSource';
import type { ReadingsView } from './drawReadings';
import { type HuWindow, SOFT_TISSUE, greyTable } from './window';

/** How masks of another source are compared with those that are edited. */
export type CompareMode = 'off' | 'flicker' | 'swipe';

/** What all planes have in common. */
export class ViewState {
  hasOutlines = true;
  hasFill = true;
  opacity = 0.35;
  hasHeat = true;
  areMasksHidden = false;
  readonly hiddenOrgans = new Set<string>();
  compareMode: CompareMode = 'off';
  /** The other source; `undefined` before one was chosen. */
  other: MaskSource | undefined;
  /** Whether flicker shows the other source now. */
  isFlickered = false;
  /** Where the swipe line is, as a share of the plane's width. */
  swipeAt = 0.5;
  /** The readings of a task that is adjudicated; `undefined` for any other task. */
  readings: ReadingsView | undefined;
  private shownWindow: HuWindow = SOFT_TISSUE;
  private greys = greyTable(SOFT_TISSUE);

  get window(): HuWindow {
    return this.shownWindow;
  }

  set window(window: HuWindow) {
    this.shownWindow = window;
    this.greys = greyTable(window);
  }

  /** Packed RGBA by HU. */
  get table(): Uint32Array {
    return this.greys;
  }

  /** Change the opacity of filled masks by steps of a tenth. */
  addOpacity(steps: number): void {
    this.opacity = Math.round(Math.min(1, Math.max(0.05, this.opacity + steps / 10)) * 100) / 100;
  }

  /** Hide an organ, or show it again. */
  toggleOrgan(organ: string): void {
    if (!this.hiddenOrgans.delete(organ)) this.hiddenOrgans.add(organ);
  }
}
