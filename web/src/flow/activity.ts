/** Signs to the server that the reader is at work on a task, with how often each tool was used. */

import { sendJson } from '../api/client';

const LEAST_MS = 10_000;

/** Collects what the reader does and tells the server at most every ten seconds. */
export class Activity {
  private task: number | undefined;
  private actions: Record<string, number> = {};
  private sentAt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** A task was opened. */
  open(task: number): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.task = task;
    this.actions = {};
    this.send();
  }

  /** No task is open. */
  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.task = undefined;
  }

  /** A tool or command was used. */
  note(action: string): void {
    this.actions[action] = (this.actions[action] ?? 0) + 1;
    this.touch();
  }

  /** The pointer, the wheel or a key was used. */
  touch(): void {
    if (this.task === undefined || this.timer !== undefined) return;
    this.timer = setTimeout(() => this.send(), Math.max(0, this.sentAt + LEAST_MS - Date.now()));
  }

  private send(): void {
    this.timer = undefined;
    if (this.task === undefined) return;
    const { actions } = this;
    this.actions = {};
    this.sentAt = Date.now();
    sendJson('POST', `/api/tasks/${this.task}/activity`, { actions }).catch(() => this.putBack(actions));
  }

  private putBack(actions: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(actions))
      this.actions[name] = (this.actions[name] ?? 0) + count;
  }
}
