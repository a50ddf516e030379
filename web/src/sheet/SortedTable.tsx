/** A table that is sorted by a click on a column's name. */

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import {
  type Cell,
  type Column,
  type SortOrder,
  cellText,
  isFigure,
  isOfNumbers,
  nextOrder,
  sortedRows,
} from './cells';

interface SortedTableProps {
  /** Says what the table is about. */
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** What stands in the first column instead of its text, such as a link. */
  readonly head?: (row: readonly Cell[]) => ComponentChildren;
}

const SORTS = { 1: 'ascending', [-1]: 'descending' } as const;

/** Draw the table; its first column names the rows. */
export function SortedTable({ caption, columns, rows, head }: SortedTableProps) {
  const [order, setOrder] = useState<SortOrder | undefined>();
  const sorted = sortedRows(rows, (row, column) => row[column] ?? null, order);
  return (
    <table>
      <caption class="hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ name, kind }, n) => (
            <th
              key={name}
              scope="col"
              class={isFigure(kind) ? 'figure' : ''}
              aria-sort={order?.column === n ? SORTS[order.direction] : 'none'}
            >
              <button type="button" class="sort" onClick={() => setOrder(nextOrder(order, n, kind))}>
                {name}
                <span aria-hidden="true">{arrowOf(order, n)}</span>
              </button>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {sorted.map((row, n) => (
          <tr key={n}>
            {columns.map((about, column) => {
              const { name, kind } = about;
              const cell = row[column] ?? null;
              const isHead = column === 0 && head !== undefined;
              const text = isHead ? head(row) : cellText(cell, kind, isOfNumbers(columns, about));
              const className = isFigure(kind) ? 'figure' : '';
              return column === 0 ? (
                <th key={name} scope="row" class={className}>
                  {text}
                </th>
              ) : (
                <td key={name} class={className}>
                  {text}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function arrowOf(order: SortOrder | undefined, column: number): string {
  if (order?.column !== column) return '';
  return order.direction === 1 ? ' ▲' : ' ▼';
}
