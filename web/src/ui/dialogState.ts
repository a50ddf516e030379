/** The dialog that is open. */

import type { OrganHistory, Queue } from '../api/types';

/** A question with answers, and a text to give if it asks for one. */
export interface AskDialog {
  readonly title: string;
  readonly lines: readonly string[];
  /** Label and first value of a text field. */
  readonly input?: { readonly label: string; readonly value: string };
  readonly answers: readonly DialogAnswer[];
}

/** An answer; the dialog closes before it runs. */
export interface DialogAnswer {
  readonly label: string;
  readonly isMain?: boolean;
  /** A key that gives this answer while no text is typed. */
  readonly key?: string;
  readonly run: (text: string) => void;
}

export type DialogState =
  | ({ readonly kind: 'ask' } & AskDialog)
  | { readonly kind: 'help' }
  | { readonly kind: 'history'; readonly history: OrganHistory }
  | { readonly kind: 'queue'; readonly queue: Queue };
