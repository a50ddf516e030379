/** The review page's state, and what its parts do to it: tools, commands and panels all go through here. */

import type { SessionInfo, OrganInfo } from './api/types';
import { type Axis, type Changed, type Edit, type Runs, type Steps, type Vec3, isInside } from './engine';
import { type PlaneName, nearestVoxel } from './geometry/planes';
import type { Adjudicate } from './adjudication/adjudicate';
import { Activity } from './flow/activity';
import { Computation } from './flow/computation';
import type { AskDialog, DialogState } from './ui/dialogState';
import { Notices } from './ui/notices';
import { editsToAdd } from './tools/cover';
import { ToolSettings } from './tools/settings';
import type { PlanePoint, PointerTool } from './tools/tool';
import { type ToolId, makeTool } from './tools/toolbox';
import type { OpenTask } from './task/openTask';
import { Painter } from './viewer/painter';
import { PlaneView, type Scene } from './viewer/planeView';
import { ViewState } from './viewer/viewState';

/** Where the unsaved work of the task is. */
export type DraftPlace = 'none' | 'memory' | 'browser' | 'server';

const THEME_KEY = 'omentum-theme';

/** The theme that the reader chose last; dark at first, as reading rooms are. */
const firstTheme = (): 'dark' | 'light' => (localStorage.getItem(THEME_KEY) === 'light' ? 'light' : 'dark');

/** Owns what is open and shown. */
export class Page {
  readonly view = new ViewState();
  readonly settings = new ToolSettings();
  readonly notices = new Notices(() => this.update());
  readonly activity = new Activity();
  readonly planes: Readonly<Record<PlaneName, PlaneView>> = {
    axial: new PlaneView('axial'),
    coronal: new PlaneView('coronal'),
    sagittal: new PlaneView('sagittal'),
  };
  readonly infos = new Map<string, OrganInfo>();
  /** Slices across one axis that were drawn in since the last fill between slices. */
  readonly drawnSlices: { axis: Axis; readonly slices: Set<number> } = { axis: 2, slices: new Set() };
  session: SessionInfo | undefined;
  task: OpenTask | undefined;
  /** The organ that tools change. */
  organ = '';
  /** Number of the hot spot that the reader looks at. */
  spot: number | undefined;
  toolId: ToolId = 'look';
  tool: PointerTool = makeTool(this, 'look');
  focused: PlaneView = this.planes.axial;
  /** The plane that fills the place of all, if one does. */
  enlarged: PlaneName | undefined;
  /** Where the pointer is: a plane, and a place in the window. */
  pointer: { readonly plane: PlaneView; readonly x: number; readonly y: number } | undefined;
  dialog: DialogState | undefined;
  draftPlace: DraftPlace = 'none';
  isPointerDown = false;
  /** What keeps the reader waiting, in words; `undefined` if nothing does. */
  waitsFor: string | undefined;
  busyShare = 0;
  hasVolumeView = false;
  otherCt: string | undefined;
  theme: 'dark' | 'light' = firstTheme();
  /** Decides between readings; `undefined` where tasks are read. */
  adjudicate: Adjudicate | undefined;
  /** Numbers of unsaved changes, rising with every edit. */
  editCount = 0;
  /** Called after each edit. */
  onEdit: () => void = () => undefined;
  /** Called with the voxel under the pointer. */
  onHover: (voxel: Vec3 | undefined) => void = () => undefined;
  /** Draws the panels. */
  drawPanels: () => void = () => undefined;
  private readonly computation = new Computation({
    onChange: (what, share) => {
      this.waitsFor = what;
      this.busyShare = share;
      this.update();
    },
  });
  private isUpdateDue = false;
  private readonly painter = new Painter(Object.values(this.planes), () => this.scene());

  /** Draw panels and planes at the next frame. */
  update(): void {
    if (!this.isUpdateDue) {
      this.isUpdateDue = true;
      requestAnimationFrame(() => {
        this.isUpdateDue = false;
        this.drawPanels();
      });
    }
    this.redraw();
  }

  /** Draw the planes at the next frame. */
  redraw(): void {
    this.painter.redraw();
  }

  /** Draw one plane with the next frame, and the others once the pointer rests. */
  redrawPlane(plane: PlaneView): void {
    this.painter.redrawPlane(plane);
  }

  /** Draw the planes at once. */
  drawPlanes(): void {
    this.painter.draw();
  }

  /** The voxel under the pointer, in the slice that is shown now. */
  get pointerVoxel(): Vec3 | undefined {
    const { pointer, task } = this;
    if (pointer === undefined || task === undefined) return undefined;
    return nearestVoxel(task.grid.size, pointer.plane.voxelAtClient(pointer.x, pointer.y));
  }

  /** Tell the reader something in a sentence. */
  say(text: string): void {
    this.notices.say(text);
  }

  /** Show the sentence of an error; what is no error of the reader's or server's is raised again. */
  fail(problem: unknown): void {
    const said = problem instanceof Error ? problem.message : String(problem);
    this.notices.say(said.charAt(0).toUpperCase() + said.slice(1), 'problem');
  }

  ask(dialog: AskDialog): void {
    this.dialog = { kind: 'ask', ...dialog };
    this.update();
  }

  closeDialog(): void {
    this.dialog = undefined;
    this.update();
  }

  nameOf(organ: string): string {
    return this.infos.get(organ)?.name ?? organ.replaceAll('_', ' ');
  }

  chooseTool(id: ToolId): void {
    if (id === this.toolId) return;
    this.tool.cancel();
    this.toolId = id;
    this.tool = makeTool(this, id);
    this.update();
  }

  /** Make an organ the one that tools change. */
  chooseOrgan(organ: string): void {
    this.organ = organ;
    this.view.hiddenOrgans.delete(organ);
    this.update();
  }

  /** Whether the organ may be edited now; says why not. */
  mayEdit(): boolean {
    const { task } = this;
    if (task === undefined || this.computation.isRunning) {
      this.say(
        task === undefined
          ? 'No task is open.'
          : `${this.waitsFor ?? 'A tool runs'}; press Esc to cancel it.`,
      );
      return false;
    }
    if (!task.session.masks.isLocked(this.organ)) return true;
    if (this.adjudicate !== undefined) {
      this.say(`Press R to choose the mask of ${task.detail.name} with which your edit begins.`);
      return false;
    }
    const why = task.detail.organs.find(({ organ }) => organ === this.organ)?.why_locked;
    this.say(
      `${this.nameOf(this.organ)} is locked${why ? `: ${why}` : '; unlock it in the list of organs'}.`,
    );
    return false;
  }

  /** Move the crosshair. */
  lookAt(voxel: Vec3): void {
    if (this.task === undefined) return;
    this.task.cursor = nearestVoxel(this.task.grid.size, voxel);
    this.update();
  }

  /** Edits that add voxels to the organ, by the rule for overlaps. */
  editsToAdd(runs: Runs): Edit[] {
    const { masks } = this.task!.session;
    return editsToAdd({ masks, organ: this.organ, overlap: this.settings.overlap, infos: this.infos }, runs);
  }

  /** Apply edits as one step of undo. */
  apply(tool: string, edits: readonly Edit[]): void {
    if (!this.mayEdit()) return;
    const change = this.task!.session.edit(tool, ...edits);
    this.task!.changed(change);
    if (change === undefined) this.say('Nothing has changed.');
    else this.edited(tool);
  }

  /** Note that an edit is complete. */
  edited(tool: string): void {
    this.editCount += 1;
    this.draftPlace = 'memory';
    this.activity.note(tool);
    this.onEdit();
    this.update();
  }

  /** Run a long computation while the page stays alive, and apply what it finds. */
  async compute<Result>(
    tool: string,
    start: () => Steps<Result>,
    edits: (result: Result) => Edit[],
  ): Promise<void> {
    if (!this.mayEdit()) return;
    try {
      const result = await this.computation.run(`${tool.replaceAll('-', ' ')} runs`, start());
      this.apply(tool, edits(result));
    } catch (problem) {
      this.fail(problem);
    }
  }

  /** Stop what is running, or what a tool has begun; true if there was something. */
  cancel(): boolean {
    return this.computation.cancel() || this.tool.cancel();
  }

  /** Change between light and dark, and remember it. */
  toggleTheme(): void {
    this.theme = this.theme === 'dark' ? 'light' : 'dark';
    localStorage.setItem(THEME_KEY, this.theme);
    this.update();
  }

  /** Load the whole CT in the background. */
  loadWhole(): void {
    const { task } = this;
    if (task === undefined || task.isWhole) return this.say('The whole CT is loaded.');
    const show = (): void => this.update();
    const reload = (): Promise<void> | undefined => this.adjudicate?.reload();
    task
      .loadWhole(show)
      .then(reload)
      .then(show, (problem: unknown) => this.fail(problem));
  }

  /** Whether a voxel can be edited; where it is not loaded, the whole CT is. */
  isLoaded(voxel: Vec3): boolean {
    const { task } = this;
    if (task === undefined) return false;
    if (isInside(task.session.masks.loadedBox, nearestVoxel(task.grid.size, voxel))) return true;
    this.say('This place is not loaded yet; the whole CT is loading.');
    this.loadWhole();
    return false;
  }

  async undo(direction: 1 | -1): Promise<void> {
    const { task } = this;
    if (task === undefined || this.computation.isRunning) return;
    try {
      const change: Changed | undefined = await (direction < 0 ? task.session.undo() : task.session.redo());
      task.changed(change);
      if (change === undefined)
        this.say(direction < 0 ? 'There is nothing to undo.' : 'There is nothing to redo.');
      else this.edited(direction < 0 ? 'undo' : 'redo');
    } catch (problem) {
      this.fail(problem);
    }
  }

  /** Remember a slice in which the reader drew, for filling between slices. */
  noteDrawn({ plane, voxel }: PlanePoint): void {
    const { across } = plane.axes;
    if (this.drawnSlices.axis !== across) this.drawnSlices.slices.clear();
    this.drawnSlices.axis = across;
    this.drawnSlices.slices.add(Math.round(voxel[across]));
  }

  private scene(): Scene | undefined {
    const { task, view, spot } = this;
    if (task === undefined) return undefined;
    const drawn = task.session.masks.organs.map((organ) => ({
      organ,
      colour: this.infos.get(organ)?.colour ?? ([200, 200, 200] as const),
      isActive: organ === this.organ,
    }));
    const organs = [
      ...drawn.filter(({ isActive }) => !isActive),
      ...drawn.filter(({ isActive }) => isActive),
    ];
    const { tool } = this;
    const paintTool =
      tool.paint && ((context: CanvasRenderingContext2D, plane: PlaneView) => tool.paint!(context, plane));
    return { task, view, organs, spot, paintTool };
  }
}
