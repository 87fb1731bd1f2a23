/** The schema of a local date in a query. */
import { z } from 'zod';

export const localDate = z.iso
  .date({ abort: true })
  .refine(
    (value) => value > '1970-12-31' && value < '9999-01-01',
    'must be a date of the years 1971 to 9998',
  );
