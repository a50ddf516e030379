/** Names of this browser's tabs: each keeps drafts of its own, and knows which others are still open. */

const KEY = 'omentum-tab';
const LOCK = 'omentum-tab-';

let name: string | undefined;

/** This tab's name; it stays the same when the page is loaded again. */
export function tabName(): string {
  name ??= sessionStorage.getItem(KEY) ?? `tab-${crypto.randomUUID().slice(0, 13)}`;
  sessionStorage.setItem(KEY, name);
  return name;
}

/** Hold this tab's name for as long as it is open; a copied tab takes a new one. */
export async function holdTabName(): Promise<void> {
  if ((await livingTabs()).has(tabName())) {
    sessionStorage.removeItem(KEY);
    name = undefined;
  }
  void navigator.locks.request(LOCK + tabName(), () => new Promise(() => undefined));
}

/** Names of all tabs that are open. */
export async function livingTabs(): Promise<Set<string>> {
  const { held = [] } = await navigator.locks.query();
  const names = held.flatMap((lock) => (lock.name?.startsWith(LOCK) ? [lock.name.slice(LOCK.length)] : []));
  return new Set(names);
}
