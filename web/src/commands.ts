/**
 * All commands of the page: one table from which keys, toolbar and overview are made.
 *
 * A key is a letter, digit or name as browsers give it (`KeyboardEvent.key`, lower case), with `shift+` before it.
 * Comma and period are taken by their place on the keyboard, so that every layout has them.
 */

import { compareWith, flicker, nextSource, swipe } from './flow/compare';
import type { Answers } from './flow/answers';
import { showHistory } from './flow/history';
import { askNote } from './flow/notes';
import { passSpot, stepSpot } from './flow/spots';
import { PLANES } from './geometry/planes';
import type { Page } from './page';
import {
  copyFromOther,
  fillBetweenSlices,
  fillHoles,
  handToNeighbour,
  keepPiece,
  removePiece,
  resize,
  smooth,
  swapSides,
} from './tools/shape';
import type { ToolId } from './tools/toolbox';
import { WINDOW_PRESETS } from './viewer/window';

/** Groups of commands, in the order of toolbar and overview. */
export const GROUPS = ['Review', 'Draw', 'Shape', 'View'] as const;
export type Group = (typeof GROUPS)[number];

/** Where a command can be used. */
export type When = 'always' | 'task' | 'edit';

/** One thing a reader can do. */
export interface Command {
  readonly id: string;
  readonly group: Group;
  readonly label: string;
  readonly keys: readonly string[];
  readonly when: When;
  /** Where it is shown as a button; all are in the overview. */
  readonly place?: 'tools' | 'bar';
  /** The pointer tool that it chooses. */
  readonly tool?: ToolId;
  readonly run: (page: Page, handIn: Answers) => void;
}

function tool(id: ToolId, label: string, key: string, group: Group = 'Draw'): Command {
  const when = group === 'Draw' ? 'edit' : 'task';
  return {
    id,
    group,
    label,
    keys: [key],
    when,
    place: 'tools',
    tool: id,
    run: (page) => page.chooseTool(id),
  };
}

function shape(id: string, label: string, key: string, run: (page: Page) => void): Command {
  return { id, group: 'Shape', label, keys: [key], when: 'edit', place: 'tools', run };
}

type Run = Command['run'];

const review = (id: string, label: string, keys: readonly string[], run: Run, place?: 'bar'): Command => ({
  id,
  group: 'Review',
  label,
  keys,
  when: 'task',
  run,
  ...(place === undefined ? {} : { place }),
});

const view = (id: string, label: string, keys: readonly string[], run: Run): Command => ({
  id,
  group: 'View',
  label,
  keys,
  when: 'task',
  run,
});

const REVIEW: readonly Command[] = [
  review('next-spot', 'Next hot spot', ['space'], (page) => stepSpot(page, 1)),
  review('previous-spot', 'Previous hot spot', ['shift+space'], (page) => stepSpot(page, -1)),
  review(
    'accept-spot',
    'Accept',
    ['a'],
    (page, handIn) => {
      if (!passSpot(page)) void handIn.finish();
    },
    'bar',
  ),
  review('accept-rest', 'Accept all that is left', ['shift+a'], (_, handIn) => void handIn.finish(), 'bar'),
  review(
    'revise',
    'Revise',
    ['r'],
    (page) => {
      page.chooseOrgan(page.task!.detail.organ);
      page.chooseTool('brush');
    },
    'bar',
  ),
  review('save', 'Save', ['s', 'ctrl+s'], (_, handIn) => void handIn.save(), 'bar'),
  review('absent', 'Absent', ['x'], (_, handIn) => handIn.askAbsent(), 'bar'),
  review('skip', 'Skip', ['q'], (_, handIn) => handIn.askSkip(), 'bar'),
  { ...review('next', 'Next task', ['n'], (_, handIn) => handIn.askNext(), 'bar'), when: 'always' },
  review('note', 'Note or flag', ['shift+n'], askNote),
  review('history', 'History of the organ', ['shift+r'], (page) => void showHistory(page)),
  review('undo', 'Undo', ['z', 'ctrl+z'], (page) => void page.undo(-1)),
  review('redo', 'Redo', ['shift+z', 'ctrl+y', 'ctrl+shift+z'], (page) => void page.undo(1)),
  { ...review('help', 'Keys', ['?', 'shift+?'], (page) => openHelp(page)), when: 'always' },
];

const DRAW: readonly Command[] = [
  tool('look', 'Crosshair', 'v'),
  tool('brush', 'Brush', 'b'),
  tool('eraser', 'Eraser', 'e'),
  tool('threshold-brush', 'Threshold brush', 't'),
  tool('lasso', 'Lasso', 'l'),
  tool('polygon', 'Polygon', 'p'),
  tool('flood-fill', 'Flood fill', 'f'),
  tool('grow-seeds', 'Grow from seeds', 'g'),
  tool('distance', 'Distance', 'd'),
  tool('window', 'Window', 'w'),
  draw('ball', 'Disc or ball', ['shift+b'], (page) => {
    page.settings.isBall = !page.settings.isBall;
    page.say(page.settings.isBall ? 'The brush is a ball.' : 'The brush is a disc.');
  }),
  draw('smaller-brush', 'Smaller brush', ['comma'], (page) => page.settings.stepRadius(-1)),
  draw('larger-brush', 'Larger brush', ['period'], (page) => page.settings.stepRadius(1)),
  draw('finish', 'End the outline, grow the seeds', ['enter'], (page) => void finishTool(page)),
  draw('cancel', 'Cancel, back to the crosshair', ['escape'], (page) => {
    if (!page.cancel()) page.chooseTool('look');
  }),
];

function draw(id: string, label: string, keys: readonly string[], run: (page: Page) => void): Command {
  const andShow = (page: Page): void => {
    run(page);
    page.update();
  };
  return { id, group: 'Draw', label, keys, when: 'task', run: andShow };
}

function finishTool(page: Page): void {
  try {
    page.tool.finish?.();
  } catch (problem) {
    page.fail(problem);
  }
}

const SHAPE: readonly Command[] = [
  shape('fill-between', 'Fill between slices', 'i', fillBetweenSlices),
  shape('grow', 'Grow', 'shift+g', (page) => resize(page, 1)),
  shape('shrink', 'Shrink', 'shift+s', (page) => resize(page, -1)),
  shape('fill-holes', 'Fill holes', 'shift+h', fillHoles),
  shape('keep-piece', 'Keep piece', 'k', keepPiece),
  shape('remove-piece', 'Remove piece', 'shift+k', removePiece),
  shape('smooth', 'Smooth', 'm', smooth),
  shape('copy', 'Copy from other', 'c', copyFromOther),
  shape('swap', 'Swap sides', 'shift+x', swapSides),
  shape('hand-over', 'Hand to neighbour', 'shift+t', handToNeighbour),
];

const VIEW: readonly Command[] = [
  ...WINDOW_PRESETS.map((preset, n) =>
    view(`window-${preset.id}`, `${preset.label} window`, [String(n + 1)], (page) => {
      page.view.window = preset;
      page.update();
    }),
  ),
  view('heat', 'Attention on or off', ['h'], (page) => toggle(page, 'hasHeat')),
  view('outlines', 'Outlines, fill, or both', ['o'], (page) => stepFill(page)),
  view('less-opacity', 'Less opacity', ['shift+comma'], (page) => addOpacity(page, -1)),
  view('more-opacity', 'More opacity', ['shift+period'], (page) => addOpacity(page, 1)),
  view('hide-masks', 'Masks on or off', ['shift+v'], (page) => toggle(page, 'areMasksHidden')),
  view('flicker', 'Flicker to the other mask', ['y'], (page) => void flicker(page)),
  view('swipe', 'Swipe between the masks', ['shift+y'], (page) => void swipe(page)),
  view('next-source', 'Compare with the next mask', ['u'], (page) => void nextSource(page)),
  view(
    'compare-shown',
    'Compare with the mask as it was opened',
    ['shift+u'],
    (page) => void compareWith(page, 'shown'),
  ),
  view('slice-up', 'Next slice', ['arrowup'], (page) => stepSlice(page, 1)),
  view('slice-down', 'Previous slice', ['arrowdown'], (page) => stepSlice(page, -1)),
  view('slices-up', 'Five slices on', ['pageup'], (page) => stepSlice(page, 5)),
  view('slices-down', 'Five slices back', ['pagedown'], (page) => stepSlice(page, -5)),
  view('fit', 'Whole slice', ['0'], (page) => {
    for (const name of PLANES) page.planes[name].fit();
    page.update();
  }),
  view('enlarge', 'One plane, or all', ['shift+enter'], (page) => {
    page.enlarged = page.enlarged === undefined ? page.focused.name : undefined;
    page.update();
  }),
  view('whole', 'Load the whole CT', ['shift+w'], (page) => page.loadWhole()),
  view('volume', '3D view of the organ', ['j'], (page) => {
    page.hasVolumeView = !page.hasVolumeView;
    page.update();
  }),
  view('other-ct', "The patient's other CT", ['shift+j'], (page) => nextOtherCt(page)),
  view('theme', 'Light or dark', ['shift+l'], (page) => page.toggleTheme()),
];

/** Every command. */
export const COMMANDS: readonly Command[] = [...REVIEW, ...DRAW, ...SHAPE, ...VIEW];

/** The command of an id. */
export function commandOf(id: string): Command {
  const found = COMMANDS.find((command) => command.id === id);
  if (found === undefined) throw new Error(`no command is called ${id}`);
  return found;
}

function openHelp(page: Page): void {
  page.dialog = { kind: 'help' };
  page.update();
}

function toggle(page: Page, name: 'hasHeat' | 'areMasksHidden'): void {
  page.view[name] = !page.view[name];
  page.update();
}

/** Outlines and fill, outlines alone, fill alone, in turn. */
function stepFill(page: Page): void {
  const { view: state } = page;
  if (state.hasOutlines && state.hasFill) state.hasFill = false;
  else if (state.hasOutlines) [state.hasOutlines, state.hasFill] = [false, true];
  else state.hasOutlines = true;
  page.update();
}

function addOpacity(page: Page, steps: number): void {
  page.view.addOpacity(steps);
  page.update();
}

/** Move the focused plane by slices towards the head, front or left. */
export function stepSlice(page: Page, by: number): void {
  const { task, focused } = page;
  if (task === undefined) return;
  const { across } = focused.axes;
  const at = [...task.cursor] as [number, number, number];
  at[across] = at[across] + by;
  page.lookAt(at);
}

function nextOtherCt(page: Page): void {
  const others = page.task?.detail.other_cts ?? [];
  const now = others.findIndex((one) => one.case === page.otherCt);
  if (others.length === 0) page.say('This patient has no other CT in the project.');
  page.otherCt = others[now + 1]?.case;
  page.update();
}
