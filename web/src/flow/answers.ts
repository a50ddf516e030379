/** How a task is answered: by a reader, or by who decides between readings. */

/** What the commands of the page do about a task. */
export interface Answers {
  /** Save what was edited and stay; true if there is nothing unsaved now. */
  save(): Promise<boolean>;
  /** Answer the task and go on. */
  finish(): Promise<void>;
  askAbsent(): void;
  askSkip(): void;
  askNext(): void;
  /** Load the open task anew, after another mask of it stands. */
  reopen(): Promise<void>;
}
