import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeBase32 } from '../core/seal/base32.ts';
import { readCarrier } from '../core/seal/carrier.ts';
import { encodeCbor } from '../core/seal/cbor.ts';
import { readPresentation } from '../core/seal/disclosure.ts';
import { issued, newPost, run, type TestPost } from './testing.ts';

let post: TestPost;
let support: string;
let lodging: string;

beforeAll(async () => {
  post = await newPost();
  support = (await issued(post, 'prise-en-charge')).document;
  lodging = (await issued(post, 'hebergement', { language: 'en' })).document;
});
afterAll(() => post?.remove());

const path = (name: string): string => join(post.folder, name);

describe('the holder of a document', () => {
  it('is told which fields are private, and that nothing of them is shown', async () => {
    const said = await post.done('disclose', support);
    expect(said).toContain('Rien n’en est montré tant que vous ne le nommez pas avec --show.');
    expect(said).toMatch(/guarantorIncome +Garant › Revenu mensuel net +2[\s\u202f]?\d{3}/);
    expect(said).toMatch(/guarantorAddress +Garant › Domicile +12, /);
    const { private: fields } = await post.json('disclose', lodging);
    expect(fields).toMatchObject([
      { field: 'hostBirth', label: 'Host › Born' },
      { field: 'hostDocument', label: 'Host › Identity document' },
      { field: 'address', label: 'Dwelling › Address' },
    ]);
  });

  it('shows what she names, by name, label or a part of them, and a stranger verifies it', async () => {
    const text = (await post.done('disclose', support, '--show', 'income,Garant › Domicile')).trim();
    expect(text).toMatch(/^HTTPS:\/\/[A-Z0-9./-]+\/#2KC[A-Z2-7]+\.[A-Z2-7]+$/);
    const { private: fields } = await post.json('disclose', support);
    const told = Buffer.from(presented(text)).toString();
    for (const { field, value } of fields as { field: string; value: string }[])
      expect(told.includes(value), field).toBe(/Income|Address/.test(field));

    const said = await post.done('verify', text);
    expect(said).toContain('✔ CACHET AUTHENTIQUE : prise-en-charge PC-');
    expect(said).toContain('Chaque champ montré par son titulaire est prouvé par le cachet.');
    expect(said).toMatch(/✔ Garant › Revenu mensuel net +2[\s\u202f]?\d{3}/);
    expect(said).toContain('montrés et prouvés par le cachet, 2 ; retenus par le titulaire, 3.');
    expect(said).not.toContain('Garant › Naissance');

    const report = await post.json('verify', text.toLowerCase());
    expect(report).toMatchObject({ indication: 'TOTAL-PASSED', subject: 'seal', compareWithPaper: true });
    expect(report.disclosed.withheld).toBe(3);
    expect(report.disclosed.fields.map(({ label }: { label: string }) => label)).toEqual([
      'Garant › Domicile',
      'Garant › Revenu mensuel net',
    ]);
  });

  it('shows it as a text file and as a picture, which verify alike', async () => {
    const [out, png, svg] = ['shown.txt', 'shown.png', 'shown.svg'].map(path) as [string, string, string];
    const argv = ['disclose', lodging, '--show', 'address', '--lang', 'en'];
    const said = await post.done(...argv, '--out', out, '--qr', png);
    expect(said).toMatch(/^Document AH-.*: shown, Dwelling › Address; fields withheld, 2\.\n/);
    const told = await post.json(...argv, '--qr', svg);
    expect(told).toMatchObject({ withheld: 2, shown: [{ field: 'address' }], qr: svg });
    expect(readFileSync(out, 'utf8')).toBe(`${told.text}\n`);
    for (const file of [out, png]) {
      const { disclosed, indication } = await post.json('verify', file, '--lang', 'en');
      expect(indication).toBe('TOTAL-PASSED');
      expect(disclosed).toEqual({
        fields: [{ label: 'Dwelling › Address', value: expect.stringContaining('Bordeaux') }],
        withheld: 2,
      });
    }
    const code = (await run('zbarimg', ['--raw', '-q', png])).stdout.trim();
    expect(code).toBe(told.text);
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox/);
  });

  it('is told what she named wrongly, and nothing is written then', async () => {
    for (const [show, message] of [
      ['guarantor', /may be any of guarantorBirth, guarantorDocument, guarantorAddress/],
      ['income,salary', /"salary" is not among guarantorBirth, /],
      ['', /"" is not among/],
    ] as const) {
      const { status, stderr } = await post.consul(
        'disclose',
        support,
        '--show',
        show,
        '--out',
        path('none'),
      );
      expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
    }
    for (const argv of [
      ['--out', path('none')],
      ['--show', 'income', '--qr', path('none.gif')],
    ])
      expect((await post.consul('disclose', support, ...argv)).status).toBe(2);
    expect(existsSync(path('none'))).toBe(false);
  });

  it('has nothing to show of a receipt, and is told of a file that is no document', async () => {
    const folder = path('post/documents/recepisse');
    const [receipt] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.pdf'))
      .map((name) => join(folder, name)) as [string];
    expect(await post.done('disclose', receipt)).toMatch(/^Le document RD-.* n’a pas de champ privé\.\n$/);
    expect(await post.consul('disclose', receipt, '--show', 'x')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('the document has none'),
    });
    const other = post.file('other.pdf', '%PDF-1.7 nothing');
    expect((await post.consul('disclose', other)).stderr).toContain('[PDF_INVALID]');
  });
});

const presented = (text: string): Uint8Array => readCarrier(text).presentation ?? new Uint8Array();

describe('a stranger', () => {
  it('is told by a bare seal that there are private fields', async () => {
    const text = (await post.done('disclose', support, '--show', 'income')).trim();
    const bare = text.slice(0, text.lastIndexOf('.'));
    const said = await post.done('verify', bare);
    expect(said).toContain('– disclosures');
    expect(said).toContain('Le cachet a des champs privés, dont aucun n’est montré');
  });

  it('refuses a field that is changed, doubled, of another document or added to a seal without any', async () => {
    const show = async (file: string, fields: string) =>
      (await post.done('disclose', file, '--show', fields)).trim();
    const text = await show(support, 'income');
    const seal = text.slice(0, text.lastIndexOf('.'));
    const { shown, withheld } = readPresentation(presented(text));
    const [income] = shown;
    const triple = (value: string) => encodeCbor([income!.salt, value, income!.label]);
    const made = (...triples: readonly Uint8Array[]) =>
      `${seal}.${encodeBase32(encodeCbor([triples, withheld]))}`;
    expect(made(triple(income!.value))).toBe(text);
    const foreign = await show(lodging, 'address');
    for (const [forged, reason] of [
      [made(triple('9\u202f999\u00a0€')), 'ne sont pas ceux du cachet'],
      [made(triple(income!.value), triple(income!.value)), 'un champ privé est montré deux fois'],
      [seal + foreign.slice(foreign.lastIndexOf('.')), 'ne sont pas ceux du cachet'],
      [`${seal}.`, 'sont malformés'],
      [`${text}.${encodeBase32(presented(foreign))}`, 'le cachet est endommagé'],
    ] as const) {
      const { status, stdout } = await post.consul('verify', forged);
      expect([status, stdout], reason).toEqual([1, expect.stringContaining(reason)]);
      expect(stdout).toContain('TOTAL-FAILED');
      expect(stdout).not.toContain('9\u202f999');
    }
  });
});
