import { describe, expect, it } from 'vitest';
import {
  type Cell,
  type Column,
  cellText,
  compareCells,
  isOfNumbers,
  nextOrder,
  sortedRows,
} from '../../src/sheet/cells';

describe('cells', () => {
  it('of shares and intervals are percentages', () => {
    expect(cellText(0.345, 'share')).toBe('34.5 %');
    expect(cellText([0.021, 0.084], 'interval')).toBe('2.1 to 8.4 %');
    expect(cellText([null, 0.084], 'interval')).toBe('at most 8.4 %');
    expect(cellText([0.021, null], 'interval')).toBe('at least 2.1 %');
  });

  it('with nothing in them are a dash', () => {
    for (const empty of [null, '', [null, null]] as Cell[]) expect(cellText(empty, 'interval')).toBe('–');
  });

  it('of intervals have the unit of the column that they belong to', () => {
    const columns: Column[] = [
      { name: 'Dice', kind: 'number' },
      { name: 'Dice, interval', kind: 'interval' },
      { name: 'Missed', kind: 'share' },
      { name: 'Missed, interval', kind: 'interval' },
    ];
    expect(columns.map((one) => isOfNumbers(columns, one))).toEqual([false, true, false, false]);
    expect(cellText([0.81, 0.9021], 'interval', true)).toBe('0.81 to 0.902');
  });

  it('of numbers have at most three digits after the point', () => {
    expect(cellText(1234.56789, 'number')).toBe('1,234.568');
  });
});

describe('sorting', () => {
  const sorted = (cells: readonly Cell[], direction: 1 | -1): readonly Cell[] =>
    sortedRows(
      cells.map((cell) => [cell]),
      ([cell]) => cell ?? null,
      { column: 0, direction },
    ).map(([cell]) => cell!);

  it('puts missing cells last in both directions', () => {
    expect(sorted([2, null, 10], 1)).toEqual([2, 10, null]);
    expect(sorted([2, null, 10], -1)).toEqual([10, 2, null]);
  });

  it('takes digits in text as numbers', () => {
    expect(sorted(['reader 10', 'reader 9'], 1)).toEqual(['reader 9', 'reader 10']);
  });

  it('compares intervals by their high end', () => {
    expect(compareCells([0.0, 0.5], [0.1, 0.2], 1)).toBeGreaterThan(0);
  });

  it('begins with the largest figure and the first text, and turns around at the next click', () => {
    expect(nextOrder(undefined, 1, 'number')).toEqual({ column: 1, direction: -1 });
    expect(nextOrder(undefined, 0, 'text')).toEqual({ column: 0, direction: 1 });
    expect(nextOrder({ column: 0, direction: 1 }, 0, 'text')).toEqual({ column: 0, direction: -1 });
  });
});
