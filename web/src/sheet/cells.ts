/** Cells of tables whose content the page does not know: how they are written, and in which order they come. */

/** What a column holds: a share is from 0 to 1, an interval is its low and high end as shares. */
export type CellKind = 'text' | 'number' | 'share' | 'interval';
export type Cell = string | number | boolean | null | readonly (number | null)[];

const MISSING = '–';
const MOST_DIGITS = 3;

/** A column of a table. */
export interface Column {
  readonly name: string;
  readonly kind: CellKind;
}

/** Ends the name of the interval of another column, whose unit it has. */
const OF_INTERVAL = ', interval';

/** Whether an interval is one of numbers, as the column that it belongs to is, and not of shares. */
export function isOfNumbers(columns: readonly Column[], { name, kind }: Column): boolean {
  if (kind !== 'interval' || !name.endsWith(OF_INTERVAL)) return false;
  const of = name.slice(0, -OF_INTERVAL.length);
  return columns.some((one) => one.name === of && one.kind === 'number');
}

/** Write a cell; a dash where there is nothing. */
export function cellText(cell: Cell, kind: CellKind, hasNumbers = false): string {
  if (hasNumbers && Array.isArray(cell)) return endsText(cell as readonly (number | null)[], plain, '');
  if (cell === null || cell === '') return MISSING;
  if (kind === 'share' && typeof cell === 'number') return `${percent(cell)} %`;
  if (kind === 'interval' && Array.isArray(cell))
    return endsText(cell as readonly (number | null)[], percent, ' %');
  if (typeof cell === 'number') return plain(cell);
  return typeof cell === 'boolean' ? (cell ? 'yes' : 'no') : String(cell);
}

/** Write the ends of an interval; one that is not known is open. */
function endsText(
  [low = null, high = null]: readonly (number | null)[],
  write: (end: number) => string,
  unit: string,
): string {
  if (low === null && high === null) return MISSING;
  if (low === null) return `at most ${write(high!)}${unit}`;
  return high === null ? `at least ${write(low)}${unit}` : `${write(low)} to ${write(high)}${unit}`;
}

const plain = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: MOST_DIGITS });

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
