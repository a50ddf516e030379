/** How long do steps of the engine take on a CT of 512 x 512 x 300? Run: npm run bench. */

import { bench, describe } from 'vitest';

import {
  type Runs,
  type Vec3,
  EditSession,
  brushStroke,
  components,
  emptyGaps,
  fillBetween,
  floodFill,
  growFromSeeds,
  holesInVolume,
  indexOf,
  labelsOfPlane,
  makeGrid,
  makeScan,
  maskRuns,
  rind,
  runAll,
  shell,
  smoothed,
  wholeBox,
} from '../../src/engine';

const SIZE: Vec3 = [512, 512, 300];
const GRID = makeGrid(SIZE, [
  [0.8, 0, 0],
  [0, 0.8, 0],
  [0, 0, 1.5],
]);
const WHOLE = wholeBox(SIZE);
const ONCE = { iterations: 3, time: 0, warmupIterations: 1, warmupTime: 0 };
const MANY = { iterations: 50, time: 0, warmupIterations: 5, warmupTime: 0 };

/** An organ of 1.5 L. */
const LIVER: Runs = brushStroke(
  GRID,
  [
    [200, 240, 150],
    [270, 240, 150],
  ],
  { shape: 'ball', radiusMm: 65 },
);
const session = new EditSession(GRID, ['liver', 'spleen', 'stomach']);
session.load(
  WHOLE,
  new Map([
    ['liver', LIVER],
    ['spleen', brushStroke(GRID, [[400, 300, 200]], { shape: 'ball', radiusMm: 40 })],
  ]),
);
const bits = session.masks.bits('liver');
const scan = makeScan(
  WHOLE,
  new Int16Array(SIZE[0] * SIZE[1] * SIZE[2]).map((_hu, n) => 40 + (n % 7)),
);
let place = 0;

/** Points of a stroke that goes round and round. */
function next(): Vec3 {
  place += 0.2;
  return [256 + 90 * Math.cos(place), 256 + 90 * Math.sin(place), 150];
}

describe('a step of a stroke, from points to changed voxels', () => {
  const stroke = session.startStroke('brush');
  let last = next();
  const step = (shape: 'ball' | 2, radiusMm: number): void => {
    const now = next();
    stroke.add({
      organ: 'spleen',
      add: brushStroke(GRID, [last, now], { shape, radiusMm }),
      overlap: 'take',
    });
    last = now;
  };
  bench('disc of 5 mm', () => step(2, 5), MANY);
  bench('disc of 20 mm', () => step(2, 20), MANY);
  bench('ball of 5 mm', () => step('ball', 5), MANY);
  bench('ball of 20 mm', () => step('ball', 20), MANY);
});

describe('drawing and saving', () => {
  bench(
    'labels of an axial slice',
    () =>
      void labelsOfPlane(session.masks, { axis: 2, index: 150 }, [
        ['liver', 1],
        ['spleen', 2],
      ]),
    MANY,
  );
  bench(
    'labels of a sagittal slice',
    () =>
      void labelsOfPlane(session.masks, { axis: 0, index: 230 }, [
        ['liver', 1],
        ['spleen', 2],
      ]),
    MANY,
  );
  bench('what to save', () => void session.diff(), ONCE);
});

describe('tools on an organ of 1.5 L', () => {
  bench(
    'flood fill of 1 L',
    () =>
      void runAll(
        floodFill(GRID, scan, { seeds: [[250, 250, 150]], band: { low: 0, high: 90 }, mostMl: 1000 }),
      ),
    ONCE,
  );
  bench('grow by 5 mm', () => void runAll(shell(GRID, bits, 5, WHOLE)), ONCE);
  bench('shrink by 5 mm', () => void runAll(rind(GRID, bits, 5, WHOLE)), ONCE);
  bench('smooth by 2 mm', () => void runAll(smoothed(GRID, bits, 2, WHOLE)), ONCE);
  bench('pieces', () => void components(GRID, LIVER, 26), ONCE);
  bench('holes', () => void holesInVolume(GRID, LIVER), ONCE);
  bench('runs of the mask', () => void maskRuns(SIZE, bits), ONCE);
  bench(
    'gaps and filling between slices',
    () => {
      emptyGaps(GRID, bits, 2, WHOLE);
      runAll(
        fillBetween(
          GRID,
          bits,
          2,
          [
            [140, 150],
            [150, 160],
          ],
          WHOLE,
        ),
      );
    },
    ONCE,
  );
  bench(
    'seeds in a box of 100 x 100 x 60 voxels',
    () => {
      const seeds = (
        [
          [210, 210, 130],
          [280, 280, 160],
        ] as Vec3[]
      ).map((voxel) => new Uint32Array([indexOf(SIZE, voxel), indexOf(SIZE, voxel) + 1]));
      runAll(growFromSeeds(GRID, scan, { seeds, box: { min: [200, 200, 120], max: [300, 300, 180] } }));
    },
    ONCE,
  );
});
