import { describe, expect, it } from 'vitest';
import type { Steps } from '../../src/engine';
import { Computation } from '../../src/flow/computation';
import { Notices } from '../../src/ui/notices';

function* counting(steps: number): Steps<number> {
  for (let n = 0; n < steps; n += 1) {
    const until = Date.now() + 10;
    while (Date.now() < until);
    yield n / steps;
  }
  return steps;
}

describe('a computation', () => {
  it('gives its result, tells its share, and ends', async () => {
    const told: [string | undefined, number][] = [];
    const computation = new Computation({ onChange: (what, share) => told.push([what, share]) });
    expect(await computation.run('smooth runs', counting(3))).toBe(3);
    expect(told[0]).toEqual(['smooth runs', 0]);
    expect(told.some(([, share]) => share > 0)).toBe(true);
    expect(told.at(-1)).toEqual([undefined, 0]);
    expect(computation.isRunning).toBe(false);
  });

  it('ends early when it is cancelled, and another can run', async () => {
    const computation = new Computation({ onChange: () => undefined });
    const running = computation.run('smooth runs', counting(1000));
    expect(computation.cancel()).toBe(true);
    await expect(running).rejects.toThrow(/cancelled/);
    expect(await computation.run('smooth runs', counting(1))).toBe(1);
  });

  it('that does not run cannot be cancelled', () => {
    expect(new Computation({ onChange: () => undefined }).cancel()).toBe(false);
  });
});

describe('notices', () => {
  it('show a sentence once, and the newest last', () => {
    const notices = new Notices(() => undefined);
    ['a', 'b', 'a'].forEach((text) => notices.say(text, 'lasting'));
    expect(notices.all.map(({ text }) => text)).toEqual(['b', 'a']);
  });

  it('of a task that was left are gone, and what was said of saving stays', () => {
    const notices = new Notices(() => undefined);
    notices.say('The lease has ended.', 'lasting');
    notices.say('Saved: Liver.');
    notices.clear();
    expect(notices.all.map(({ text }) => text)).toEqual(['Saved: Liver.']);
  });
});
