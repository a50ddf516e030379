/** The tools that work with a pointer, by name. */

import type { Page } from '../page';
import { BrushTool } from './brush';
import { FloodTool, SeedsTool } from './grow';
import { DistanceTool, LookTool, WindowTool } from './look';
import { OutlineTool } from './outline';
import type { PointerTool } from './tool';

export type ToolId =
  | 'look'
  | 'brush'
  | 'eraser'
  | 'threshold-brush'
  | 'lasso'
  | 'polygon'
  | 'flood-fill'
  | 'grow-seeds'
  | 'distance'
  | 'window';

const MAKERS: Readonly<Record<ToolId, (page: Page) => PointerTool>> = {
  look: (page) => new LookTool(page),
  brush: (page) => new BrushTool(page, 'brush'),
  eraser: (page) => new BrushTool(page, 'eraser'),
  'threshold-brush': (page) => new BrushTool(page, 'threshold-brush'),
  lasso: (page) => new OutlineTool(page, false),
  polygon: (page) => new OutlineTool(page, true),
  'flood-fill': (page) => new FloodTool(page),
  'grow-seeds': (page) => new SeedsTool(page),
  distance: (page) => new DistanceTool(page),
  window: (page) => new WindowTool(page),
};

/** Make a tool that is not in use yet. */
export const makeTool = (page: Page, id: ToolId): PointerTool => MAKERS[id](page);
