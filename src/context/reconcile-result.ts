/** What a reconcile says to the queue; the queue does the rest. */
export type ReconcileResult =
  /** Everything that could be published is, or is visibly failed. */
  | { readonly kind: 'done' }
  /** There is more, now. */
  | { readonly kind: 'again'; readonly priority: number }
  /** There is more, and it has to wait: for the budget, a retry, a pause, or another worker. */
  | { readonly kind: 'later'; readonly afterMs: number; readonly priority?: number; readonly reason: string };
