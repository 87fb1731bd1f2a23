/** What a process can do: several may share one record, each with its roles. */
export type Role = 'api' | 'worker' | 'scheduler';

export const ROLES: readonly Role[] = ['api', 'worker', 'scheduler'];
