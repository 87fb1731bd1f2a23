// What is shown of a text that another server wrote: no secret, no number that is a person's, no e-mail address.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createTextFilter } from '../../src/lib/text-filter.js';

const path = '/api/v3/integration/facilities/456/doctors/9876/addresses/123456789/bookings/55667788/move';
const shown = (text: string, secrets: readonly string[] = []) => createTextFilter({ secrets, path })(text);

describe('a text', () => {
  test.each([
    ['Phone +48 600 100 200 is odd', 'Phone +*** is odd'],
    ['(22) 555-12-34 / 2', '(***'],
    ['call 600.100.200, please', 'call ***, please'],
    ['+48(600)-100–200', '+***'],
    ['６００１００２００ is odd', '*** is odd'],
    ['٠٦٠٠١٠٠٢ is odd', '*** is odd'],
    ['6\u200b0\u200b0\u200b1\u200b0\u200b0\u200b2', '***'],
    ['6️⃣0️⃣0️⃣1️⃣0️⃣0️⃣2️⃣', '***'],
    ['600\u00a0100\u2011200', '***'],
    ['600\n100\t200', '***'],
    ['PESEL 44051401458', 'PESEL ***'],
    ['DNI 12345678Z, NIE X1234567L', 'DNI ***, NIE ***'],
    ['codice RSSMRA85T10A562S', 'codice ***'],
    ['codice RSS MRA 85T10 A562 S', 'codice RSS MRA *** S'],
    ['CURP BADD110313HCMLNS09', 'CURP ***'],
    ['CPF 123.450.789-09', 'CPF ***'],
    ['RUT 12.345.678-K', 'RUT ***-K'],
    ['born 800101/1234', 'born ***'],
    ['<anna.nowak@clinic.example> wrote', '<***> wrote'],
    ['anna.nowak @ clinic.example wrote', '*** wrote'],
    ['anna%40clinic.example wrote', '*** wrote'],
    ['ａnna＠clinic.example wrote', '*** wrote'],
    ["mailto:o'neil+x@clinic.example", 'mailto:***'],
    ['got Authorization: Bearer abc.def-ghi', 'got Authorization: Bearer ***'],
    ['got basic%20QTpC', 'got basic ***'],
    ['got {"access_token":"abcd","x":1}', 'got {"access_token":"***","x":1}'],
    ['client_secret=s3cr3t&grant_type=x', 'client_secret=***&grant_type=x'],
    ['of eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x-y', 'of ***'],
  ])('%j is shown as %j', (text, as) => {
    expect(shown(text)).toBe(as);
  });

  test.each([
    'End date should be within 12 weeks',
    'slots[1].end',
    'slots.12.address_services.0.duration: 30 is more than 20',
    'from 10:00:00 to 12:30:00',
    'The address 123456789 has no booking 55667788 of doctor 9876',
    '456/9876/123456789',
    'Basic',
  ])('%j is shown as it is', (text) => {
    expect(shown(text)).toBe(text);
  });

  test('keeps an id of the path beside a number that is none', () => {
    expect(shown('123456789 600100200 55667788')).toBe('123456789 *** 55667788');
    expect(shown('456-600-100')).toBe('456-***');
    expect(shown('1234567890')).toBe('***');
  });

  test('keeps what else of the path has digits', () => {
    const id = '3f2b1c9e-1234-4abc-9f00-0123456789ab';
    const start = '2026-11-16T10:00:00+01:00';
    const filter = createTextFilter({ secrets: [], path: `/slots/${encodeURIComponent(start)}/book/${id}` });
    expect(filter(`nothing at ${start} for ${id}, nor at 2026-11-17`)).toBe(
      `nothing at ${start} for ${id}, nor at ***`,
    );
  });

  test('is one line of 200 characters at most', () => {
    expect(shown('a\r\nb\u2028c\u0000d')).toBe('a b c d');
    expect(shown('x'.repeat(200))).toBe('x'.repeat(200));
    expect(shown('x'.repeat(201))).toBe(`${'x'.repeat(199)}…`);
    expect(shown(`${'x'.repeat(198)}👩👩`)).toBe(`${'x'.repeat(198)}…`);
  });

  test('that is very long shows no part of what stands where its reading ends', () => {
    const secret = 'abcdefgh'.repeat(300);
    for (let before = 0; before < 4_000; before += 97) {
      const text = `${'1'.repeat(before)} ${secret} ${'2'.repeat(20_000)}`;
      expect(shown(text, [secret])).not.toMatch(/abcdefgh|\d/);
    }
  });

  test('in any spelling of a secret has none of it', () => {
    const secret = 'pa ss/wö"rd+';
    for (const spelled of [
      secret,
      secret.toUpperCase(),
      encodeURIComponent(secret),
      encodeURIComponent(secret).toLowerCase(),
      new URLSearchParams({ a: secret }).toString(),
      JSON.stringify(secret),
      Buffer.from(secret).toString('base64'),
      Buffer.from(secret).toString('base64url'),
      secret.normalize('NFD'),
      [...secret].join('\u200b'),
    ]) {
      expect(shown(`it was ${spelled} here`, [secret])).toMatch(/^it was \S*\*\*\*\S* here$/);
    }
  });
});

describe('whatever is in whatever text', () => {
  const digit = fc.constantFrom(...'0123456789', ...'０１２３４５６７８９');
  const between = fc.constantFrom('', '', '', ' ', '-', '.', '/', ') ', ' (', '+', ' - ', '\u00a0', '–');
  const number = fc
    .array(fc.tuple(digit, between), { minLength: 7, maxLength: 15 })
    .map((parts) => parts.flat().join('').trim());
  const secret = fc
    .string({ unit: 'grapheme', minLength: 8, maxLength: 60 })
    .filter((text) => /[a-z]{2}/i.test(text));
  const around = fc.string({ unit: 'grapheme', maxLength: 300 });
  const times = { numRuns: 2_000 };

  test('a secret is not shown', () => {
    fc.assert(
      fc.property(around, secret, around, (before, hidden, after) => {
        // One that is in the text around it, too, as one letter is in the marker.
        expect(shown(`${before}${hidden}${after}`, [hidden])).not.toContain(hidden);
      }),
      times,
    );
  });

  test('a telephone number or a national id is not shown, nor the half of it', () => {
    fc.assert(
      fc.property(around, number, around, (before, hidden, after) => {
        const text = createTextFilter({ secrets: [], path: '/' })(
          `${before.normalize('NFKC').replace(/\p{N}/gu, '')} ${hidden} ${after.normalize('NFKC').replace(/\p{N}/gu, '')}`,
        );
        expect(text).not.toMatch(/\p{Nd}/u);
      }),
      // An e-mail address that begins in the number.
      { ...times, examples: [['', '00 (00000', '@']] },
    );
  });

  test('an e-mail address is not shown', () => {
    fc.assert(
      fc.property(around, fc.emailAddress(), around, (before, hidden, after) => {
        const text = shown(`${before} ${hidden} ${after}`);
        expect(text).not.toContain(hidden);
        expect(text).not.toContain(hidden.slice(hidden.indexOf('@')));
      }),
      times,
    );
  });

  test('an id of the path is shown', () => {
    const id = fc.oneof(
      fc.stringMatching(/^[1-9]\d{0,11}$/),
      fc.uuid(),
      fc.stringMatching(/^[a-z]{2}\d{8}$/),
    );
    const words = fc.stringMatching(/^[a-z ,:()]{0,60}$/).filter((text) => !/bearer|basic/.test(text));
    fc.assert(
      fc.property(words, id, fc.oneof(words, number), (before, kept, after) => {
        const filter = createTextFilter({ secrets: ['the-secret'], path: `/bookings/${kept}/move` });
        expect(filter(`${before} ${kept} ${after}`)).toContain(` ${kept}`);
      }),
      times,
    );
  });
});
