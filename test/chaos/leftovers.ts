// What a calendar's strategy may keep in the marketplace when it is at rest, and nothing else: which breaks, which
// placeholders, none of them twice.
import { computeBreaks } from '../../src/core/index.js';
import { breakTag, placeholderTag } from '../../src/marketplace-state/ownership-tags.js';
import type { Sandbox } from '../../src/sandbox/index.js';
import type { Model, Span } from './model.js';
import type { People } from './people.js';
import type { WorldCalendar } from './world.js';

const instants = ({ start, end }: Span): string =>
  `${new Date(start).toISOString().slice(5, 16)}/${new Date(end).toISOString().slice(5, 16)}`;

/** @returns what must not be */
export function leftovers(
  calendar: WorldCalendar,
  { sandbox, model, people }: { readonly sandbox: Sandbox; readonly model: Model; readonly people: People },
): string[] {
  const { id } = calendar;
  const strategy = model.strategyOf(id);
  const needs = model.needs(id);
  const others = new Set([...people.breaks(calendar), ...people.bookings(calendar)].map((one) => one.id));
  const breaks = sandbox
    .breaks(calendar)
    .filter((one) => !others.has(one.id))
    .map(({ since, till, description }) => ({
      start: Date.parse(since),
      end: Date.parse(till),
      description,
    }));
  const placeholders = sandbox
    .bookings(calendar)
    .filter((one) => one.status === 'booked' && !others.has(one.id))
    .map(({ start_at, end_at, comment }) => ({
      start: Date.parse(start_at),
      end: Date.parse(end_at),
      mark: comment ?? '',
    }));
  const wrong: string[] = [];

  for (const one of breaks) {
    if (one.description !== breakTag(id)) wrong.push(`a break is called ${one.description}`);
  }
  const allowed = strategy === 'slots' ? [] : hiding(model, id);
  const [present, wanted] = [breaks.map(instants), allowed.map(instants)];
  if (strategy === 'book') {
    // A placeholder hides it, or a break.
    for (const one of breaks) {
      if (!allowed.some((span) => span.start <= one.start && one.end <= span.end)) {
        wrong.push(`the break ${instants(one)} hides what is not taken`);
      }
    }
  } else if (present.sort().join() !== wanted.sort().join()) {
    wrong.push(`with ${strategy} there are the breaks [${present}], and should be [${wanted}]`);
  }

  if (strategy !== 'book' && placeholders.length > 0) {
    wrong.push(`with ${strategy} there are placeholders [${placeholders.map(instants)}]`);
  }
  const marks = new Map([...needs].map(([ref, need]) => [placeholderTag(id, ref), need]));
  for (const one of placeholders) {
    const need = marks.get(one.mark);
    if (need?.start !== one.start || need.end !== one.end) {
      wrong.push(`the placeholder ${instants(one)} stands for nothing that is taken`);
    }
    const again = placeholders.filter(({ start, mark }) => start === one.start || mark === one.mark);
    if (again.length > 1) wrong.push(`the placeholder ${instants(one)} is there ${again.length} times`);
  }
  return wrong;
}

/** The breaks that hide everything taken. */
const hiding = (model: Model, id: string): Span[] =>
  [...model.wanted(id).values()].flatMap((slots) =>
    computeBreaks({ windows: slots, busy: model.hidden(id), timeZone: 'UTC' }).map(({ since, till }) => ({
      start: Date.parse(since),
      end: Date.parse(till),
    })),
  );
