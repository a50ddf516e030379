/** Cells of tables whose content the page does not know: how they are written, and in which order they come. */

/** What a column holds: a share is from 0 to 1, an interval is its low and high end as shares. */
export type CellKind = 'text' | 'number' | 'share' | 'interval';
export type Cell = string | number | boolean | null | readonly (number | null)[];

const MISSING = '–';
const MOST_DIGITS = 3;

/** Write a cell; a dash where there is nothing. */
export function cellText(cell: Cell, kind: CellKind): string {
  if (cell === null || cell === '') return MISSING;
  if (kind === 'share' && typeof cell === 'number') return `${percent(cell)} %`;
  if (kind === 'interval' && Array.isArray(cell)) return intervalText(cell as readonly (number | null)[]);
  if (typeof cell === 'number') return cell.toLocaleString('en', { maximumFractionDigits: MOST_DIGITS });
  return typeof cell === 'boolean' ? (cell ? 'yes' : 'no') : String(cell);
}

function intervalText([low = null, high = null]: readonly (number | null)[]): string {
  if (low === null && high === null) return MISSING;
  if (low === null || high === null)
    return low === null ? `at most ${percent(high!)} %` : `at least ${percent(low)} %`;
  return `${percent(low)} to ${percent(high)} %`;
}

const percent = (share: number): string =>
  (100 * share).toLocaleString('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** Whether cells of a kind are numbers, which stand at the right. */
export const isFigure = (kind: CellKind): boolean => kind !== 'text';

const isMissing = (cell: Cell): boolean => cell === null || cell === '';

/** The value by which a cell is sorted: of an interval its high end, which a bound is about. */
function sortValue(cell: Cell): number | string {
  if (Array.isArray(cell)) return (cell as readonly (number | null)[])[1] ?? Infinity;
  return typeof cell === 'number' ? cell : String(cell);
}

/** Compare two cells; those with nothing in them come last in either direction. */
export function compareCells(a: Cell, b: Cell, direction: 1 | -1): number {
  if (isMissing(a) || isMissing(b)) return Number(isMissing(a)) - Number(isMissing(b));
  const [left, right] = [sortValue(a), sortValue(b)];
  if (typeof left === 'number' && typeof right === 'number') return direction * (left - right);
  return direction * String(left).localeCompare(String(right), 'en', { numeric: true });
}

/** A column by which rows are sorted. */
export interface SortOrder {
  readonly column: number;
  readonly direction: 1 | -1;
}

/** Sort rows by a column; equal rows keep their order. */
export function sortedRows<Row>(
  rows: readonly Row[],
  cellOf: (row: Row, column: number) => Cell,
  order: SortOrder | undefined,
): readonly Row[] {
  if (order === undefined) return rows;
  const { column, direction } = order;
  return [...rows].sort((a, b) => compareCells(cellOf(a, column), cellOf(b, column), direction));
}

/** The order after a click on a column's name: figures begin with the largest, text with the first. */
export function nextOrder(now: SortOrder | undefined, column: number, kind: CellKind): SortOrder {
  if (now?.column === column) return { column, direction: now.direction === 1 ? -1 : 1 };
  return { column, direction: isFigure(kind) ? -1 : 1 };
}
