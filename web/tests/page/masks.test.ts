import { describe, expect, it } from 'vitest';
import type { OrganInfo } from '../../src/api/types';
import { EditSession, type Vec3, boxRuns, makeGrid, runsOfCodes } from '../../src/engine';
import { EditedMasks, OtherMasks, runsOfMasks } from '../../src/task/maskSource';
import { editsToAdd } from '../../src/tools/cover';

const SIZE: Vec3 = [6, 5, 4];
const GRID = makeGrid(SIZE, [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
]);
const BOX = { min: [1, 1, 0], max: [5, 4, 4] } as const;
const SETS = [[], [6], [1, 6], [1]];
const CODES = Uint8Array.from({ length: 4 * 3 * 4 }, (_, n) => (n * 7 + (n >> 2)) % 4);
const ORGANS = new Map([
  [1, 'spleen'],
  [6, 'liver'],
]);

const info = (organ: string, kind: OrganInfo['kind']): [string, OrganInfo] => [
  organ,
  { organ, index: 1, name: organ, colour: [0, 0, 0], kind, partner: null },
];
const INFOS = new Map([info('liver', 'organ'), info('spleen', 'organ'), info('liver_tumour', 'tumour')]);

describe('set-coded masks', () => {
  it('give each organ the voxels whose set has it', () => {
    const runs = runsOfMasks(SIZE, { box: BOX, codes: CODES, sets: SETS, organs: [] }, ORGANS);
    for (const [index, organ] of ORGANS) {
      const expected = runsOfCodes(
        GRID,
        BOX,
        CODES,
        SETS.map((set) => set.includes(index)),
      );
      expect(runs.get(organ)).toEqual(expected);
    }
  });

  it('of organs that the task does not have are left out', () => {
    const runs = runsOfMasks(
      SIZE,
      { box: BOX, codes: CODES, sets: SETS, organs: [] },
      new Map([[6, 'liver']]),
    );
    expect([...runs.keys()]).toEqual(['liver']);
  });
});

describe('sources of masks', () => {
  it('tell planes of an edit by a new version and a box that holds it', () => {
    const session = new EditSession(GRID, ['liver', 'spleen']);
    session.load({ min: [0, 0, 0], max: SIZE }, new Map());
    const masks = new EditedMasks(session);
    const before = masks.version('liver');
    const change = session.edit('brush', { organ: 'liver', add: boxRuns(SIZE, BOX) });
    masks.changed(change!);
    expect(masks.version('liver')).toBeGreaterThan(before);
    expect(masks.version('spleen')).toBe(0);
    expect(masks.extent('liver')).toEqual(BOX);
  });

  it('tell an organ that is empty from one that is unknown', () => {
    const other = new OtherMasks('original', GRID, BOX, new Map(), new Set(['liver']));
    expect(other.knows('liver')).toBe(true);
    expect(other.knows('spleen')).toBe(false);
    expect(other.bits('liver').every((byte) => byte === 0)).toBe(true);
  });
});

describe('adding voxels', () => {
  const half = boxRuns(SIZE, { min: [0, 0, 0], max: [3, 5, 4] });
  const all = boxRuns(SIZE, { min: [0, 0, 0], max: SIZE });

  const begun = (): EditSession => {
    const session = new EditSession(GRID, ['liver', 'spleen', 'liver_tumour']);
    session.load(
      { min: [0, 0, 0], max: SIZE },
      new Map([
        ['spleen', half],
        ['liver_tumour', half],
      ]),
    );
    return session;
  };
  const add = (session: EditSession, organ: string, overlap: 'take' | 'avoid' | 'allow'): void => {
    const target = { masks: session.masks, organ, overlap, infos: INFOS };
    session.edit('test', ...editsToAdd(target, all));
  };
  const ml = (session: EditSession): number[] =>
    ['liver', 'spleen', 'liver_tumour'].map((organ) => Math.round(session.volumeMl(organ) * 1000));

  it('takes them from other organs, and leaves tumours theirs', () => {
    const session = begun();
    add(session, 'liver', 'take');
    expect(ml(session)).toEqual([120, 0, 60]);
  });

  it('takes none from a locked organ', () => {
    const session = begun();
    session.setLocked('spleen', true);
    add(session, 'liver', 'take');
    expect(ml(session)).toEqual([60, 60, 60]);
  });

  it('leaves other organs alone if that is wanted', () => {
    const session = begun();
    add(session, 'liver', 'avoid');
    expect(ml(session)).toEqual([60, 60, 60]);
  });

  it('shares them if that is wanted', () => {
    const session = begun();
    add(session, 'liver', 'allow');
    expect(ml(session)).toEqual([120, 60, 60]);
  });

  it('of a tumour leaves the organ as it is', () => {
    const session = begun();
    add(session, 'liver_tumour', 'take');
    expect(ml(session)).toEqual([0, 60, 120]);
  });
});
