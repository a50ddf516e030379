/** Drafts in the browser's own storage (IndexedDB): they survive a crash of the page and of the server. */

/** A draft that this browser keeps. */
export interface StoredDraft {
  readonly key: string;
  readonly task: number;
  readonly name: string;
  /** ISO 8601. */
  readonly time: string;
  readonly bytes: Uint8Array;
  /** Whether the server has it too. */
  readonly isOnServer: boolean;
}

const DATABASE = 'omentum-review';
const STORE = 'drafts';

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: 'key' });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error ?? new Error('IndexedDB cannot be opened'));
  });
}

async function withStore<Result>(
  mode: IDBTransactionMode,
  use: (store: IDBObjectStore) => IDBRequest<Result>,
): Promise<Result> {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const asked = use(database.transaction(STORE, mode).objectStore(STORE));
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error ?? new Error('IndexedDB refused'));
    });
  } finally {
    database.close();
  }
}

/** Keep a draft; one of the same key is replaced. */
export async function putDraft(draft: StoredDraft): Promise<void> {
  await withStore('readwrite', (store) => store.put(draft));
}

/** Remove a draft, if it is there. */
export async function deleteDraft(key: string): Promise<void> {
  await withStore('readwrite', (store) => store.delete(key));
}

/** All drafts whose key begins with a prefix. */
export async function draftsOf(prefix: string): Promise<StoredDraft[]> {
  const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
  return (await withStore('readonly', (store) => store.getAll(range))) as StoredDraft[];
}
