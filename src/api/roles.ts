/** The roles of a process. Several processes may share one database, each with its roles. */
export type Role = 'api' | 'worker' | 'scheduler';

export const ROLES: readonly Role[] = ['api', 'worker', 'scheduler'];
