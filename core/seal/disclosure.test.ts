import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBytes, concatBytes, toHex } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { webBackend } from '../crypto/web.ts';
import { type CborValue, encodeCbor } from './cbor.ts';
import {
  type Disclosure,
  makePresentation,
  maximumPrivateFields,
  presentedDigest,
  privateDigest,
  readPresentation,
} from './disclosure.ts';

const line = (maxLength: number) =>
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength })
    .map((text) => text.normalize('NFC'))
    .filter(
      (text) =>
        !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u.test(text) && text.length <= 200,
    );
const anyDisclosure: fc.Arbitrary<Disclosure> = fc.record({
  salt: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  label: line(40),
  value: fc.array(line(40), { minLength: 1, maxLength: 3 }).map((lines) => lines.join('\n')),
});
/** All private fields of a document, and which of them are shown: at least one. */
const anyChoice = fc
  .uniqueArray(fc.tuple(anyDisclosure, fc.boolean()), {
    minLength: 1,
    maxLength: maximumPrivateFields,
    selector: ([{ label }]) => label,
  })
  .filter((choice) => choice.some(([, shown]) => shown));

const salt = (octet: number) => new Uint8Array(16).fill(octet);
const address: Disclosure = { salt: salt(1), label: 'Garant › Domicile', value: '12 rue X\n75015 Paris' };
const income: Disclosure = { salt: salt(2), label: 'Garant › Revenu', value: '2 950 €' };
const birth: Disclosure = { salt: salt(3), label: 'Garant › Naissance', value: '1978' };
const all = [address, income, birth];

describe('what a holder shows', () => {
  it('is of the document whatever was chosen, on both backends, and comes back as it went', () =>
    fc.assert(
      fc.asyncProperty(anyChoice, async (choice) => {
        const disclosures = choice.map(([disclosure]) => disclosure);
        const shown = choice.flatMap(([disclosure, isShown]) => (isShown ? [disclosure] : []));
        const bytes = await makePresentation(disclosures, (one) => shown.includes(one), nodeBackend);
        const presentation = readPresentation(bytes);
        expect(presentation.shown.map(({ encoded: _, ...one }) => one)).toEqual(shown);
        expect(presentation.withheld).toHaveLength(disclosures.length - shown.length);
        const digest = await privateDigest(disclosures, nodeBackend);
        for (const backend of [nodeBackend, webBackend(globalThis.crypto)])
          expect(await presentedDigest(presentation, backend)).toEqual(digest);
      }),
    ));

  it('is of no other document once any bit of it is changed', async () => {
    const digest = await privateDigest(all, nodeBackend);
    const bytes = await makePresentation(all, (one) => one === income, nodeBackend);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      const presented = await Promise.resolve()
        .then(() => presentedDigest(readPresentation(changed), nodeBackend))
        .catch((error: { code: string }) => {
          expect(['DISCLOSURE_INVALID', 'CBOR_INVALID']).toContain(error.code);
          return undefined;
        });
      expect(presented, `bit ${bit}`).not.toEqual(digest);
    }
  });

  it('says nothing of what is withheld: neither value, label, salt nor place', async () => {
    const bytes = await makePresentation(all, (one) => one === income, nodeBackend);
    for (const part of [address.value, address.label, birth.value, birth.label])
      expect(toHex(bytes)).not.toContain(Buffer.from(part).toString('hex'));
    for (const part of [address.salt, birth.salt]) expect(toHex(bytes)).not.toContain(toHex(part));
    const moved = await makePresentation([birth, income, address], (one) => one === income, nodeBackend);
    expect(moved).toEqual(bytes);
  });

  it('cannot leave out or double a field, or take a shown one for withheld too', async () => {
    const digest = await privateDigest(all, nodeBackend);
    const { shown, withheld } = readPresentation(
      await makePresentation(all, (one) => one === income, nodeBackend),
    );
    const read = async (one: Disclosure) =>
      readPresentation(await makePresentation([one, birth], (each) => each === one, nodeBackend)).shown;
    const also = readPresentation(
      await makePresentation([income, birth], (each) => each === birth, nodeBackend),
    ).withheld;
    for (const other of [
      { shown, withheld: withheld.slice(1) },
      { shown: [...shown, ...shown], withheld },
      { shown: [...shown, ...(await read(address))], withheld },
      { shown: await read(address), withheld },
      { shown, withheld: [...withheld, ...also] },
    ])
      expect(await presentedDigest(other, nodeBackend)).not.toEqual(digest);
  });

  it('is made no larger than it is read', async () => {
    const long = Array.from({ length: 20 }, (_, i) => ({ ...birth, label: `${i}`, value: 'x'.repeat(1000) }));
    await expect(makePresentation(long, () => true, nodeBackend)).rejects.toMatchObject({
      code: 'SCHEMA_VIOLATION',
    });
    const less = await makePresentation(long, ({ label }) => Number(label) < 15, nodeBackend);
    expect(readPresentation(less).withheld).toHaveLength(5);
  });

  it('has the bytes of its description: triples of SD-CWT, then sorted digests', async () => {
    const short = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest().subarray(0, 16);
    const triple = ({ salt, value, label }: Disclosure) => encodeCbor([salt, value, label]);
    expect(toHex(triple(birth))).toBe(
      `8350${'03'.repeat(16)}643139373874${Buffer.from('Garant › Naissance').toString('hex')}`,
    );
    const digests = all.map((one) => short(triple(one)));
    const root = short(Buffer.concat(digests.toSorted(Buffer.compare)));
    expect(toHex(await privateDigest(all, nodeBackend))).toBe(toHex(root));
    const withheld = [digests[0], digests[2]].toSorted((a, b) => compareBytes(a!, b!)) as Uint8Array[];
    expect(await makePresentation(all, (one) => one === income, nodeBackend)).toEqual(
      encodeCbor([[triple(income)], withheld.map((each) => new Uint8Array(each))]),
    );
  });
});

describe('a presentation', () => {
  const field = (...parts: readonly CborValue[]): CborValue => encodeCbor(parts);
  const triple = field(salt(1), 'value', 'label');
  it.each<[string, CborValue | Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['bytes after it', concatBytes(encodeCbor([[triple], []]), Uint8Array.of(0))],
    ['no array', new Map()],
    ['one part', [[triple]]],
    ['three parts', [[triple], [], []]],
    ['nothing shown', [[], [salt(1)]]],
    ['a field that is no byte string', [[[salt(1), 'value', 'label']], []]],
    ['a field that is no array', [[encodeCbor('x')], []]],
    ['bytes after a field', [[concatBytes(triple as Uint8Array, Uint8Array.of(0))], []]],
    ['a field of two', [[field(salt(1), 'value')], []]],
    ['a short salt', [[field(new Uint8Array(15), 'value', 'label')], []]],
    ['a long salt', [[field(new Uint8Array(17), 'value', 'label')], []]],
    ['no salt', [[field('salt', 'value', 'label')], []]],
    ['a value that is a number', [[field(salt(1), 7, 'label')], []]],
    ['an empty value', [[field(salt(1), '', 'label')], []]],
    ['a value of nothing but a line end', [[field(salt(1), '\n', 'label')], []]],
    ['a value that reorders its text', [[field(salt(1), 'a\u202eb', 'label')], []]],
    ['an escape sequence', [[field(salt(1), '\u001b[2J', 'label')], []]],
    ['a value too long', [[field(salt(1), 'x'.repeat(1001), 'label')], []]],
    ['a label of two lines', [[field(salt(1), 'value', 'a\nb')], []]],
    ['a digest too short', [[triple], [new Uint8Array(15)]]],
    ['a digest too long', [[triple], [new Uint8Array(32)]]],
    ['digests out of order', [[triple], [salt(2), salt(1)]]],
    ['a digest twice', [[triple], [salt(1), salt(1)]]],
    [
      'more than any document has',
      [[triple], Array.from({ length: maximumPrivateFields }, (_, i) => salt(i))],
    ],
  ])('is refused with %s', (_, value) => {
    const bytes = value instanceof Uint8Array ? value : encodeCbor(value);
    expect(() => readPresentation(bytes)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(DISCLOSURE|CBOR)_INVALID$/) }),
    );
  });

  it('is read or refused, and nothing else, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          readPresentation(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(DISCLOSURE|CBOR)_INVALID$/) });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
