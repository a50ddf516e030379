/** Sentences for the reader that stay a while, or until they are answered. */

/** What a reader can do about a notice. */
export interface NoticeAction {
  readonly label: string;
  readonly run: () => void;
}

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly tone: 'info' | 'problem' | 'lasting';
  readonly actions: readonly NoticeAction[];
}

const INFO_MS = 6000;
const PROBLEM_MS = 15000;
const MOST = 3;

/** The notices that are shown, the newest last. */
export class Notices {
  private shown: readonly Notice[] = [];
  private count = 0;

  constructor(private readonly onChange: () => void) {}

  get all(): readonly Notice[] {
    return this.shown;
  }

  /** Show a sentence; one that says the same is replaced. Those with actions stay until they are answered. */
  say(text: string, tone: Notice['tone'] = 'info', actions: readonly NoticeAction[] = []): void {
    const notice: Notice = { id: (this.count += 1), text, tone, actions };
    this.shown = [...this.shown.filter((one) => one.text !== text), notice].slice(-MOST);
    this.onChange();
    if (tone === 'lasting' || actions.length > 0) return;
    setTimeout(() => this.remove(notice.id), tone === 'info' ? INFO_MS : PROBLEM_MS);
  }

  /** Take a notice away. */
  remove(id: number): void {
    this.shown = this.shown.filter((one) => one.id !== id);
    this.onChange();
  }

  /** Take all away, when another task opens. */
  clear(): void {
    this.shown = this.shown.filter(({ tone }) => tone === 'info');
    this.onChange();
  }
}
