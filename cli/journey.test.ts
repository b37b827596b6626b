import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromUtf8 } from '../core/bytes.ts';
import { readAttachments } from '../core/pdf/read/attachments.ts';
import { readPdf } from '../core/pdf/read/document.ts';
import { exampleTravellers } from '../fixtures/people.ts';
import { examplePiece } from '../fixtures/pieces.ts';
import { exampleRequest } from '../fixtures/requests.ts';
import { bytesOf, issued, newPost, submission, type TestPost, today } from './testing.ts';

const referenceForm = /^GA-PAR-20\d\d(-[0-9A-HJKMNP-TV-Z]{4}){3}/;

let post: TestPost;
beforeAll(async () => {
  post = await newPost();
});
afterAll(() => post?.remove());

const attachment = (pdf: Uint8Array, name: string): string =>
  fromUtf8(readAttachments(readPdf(pdf)).find((one) => one.name === name)?.bytes ?? new Uint8Array());

/** Pages show family names in capitals, which Greek writes without accents. */
const printed = (text: string): string => text.toUpperCase().normalize('NFD').replace(/\p{M}/gu, '');

const mode = (...parts: string[]): string => (statSync(join(post.home, ...parts)).mode & 0o777).toString(8);

describe('init', () => {
  it('leaves a whole post whose secrets are readable by their owner only', async () => {
    expect(readdirSync(post.home).sort()).toEqual(
      expect.arrayContaining([
        'anchor',
        'certs',
        'consul.db',
        'keys',
        'log',
        'offline',
        'post.toml',
        'trust',
      ]),
    );
    for (const name of readdirSync(join(post.home, 'keys'))) expect(mode('keys', name)).toBe('600');
    expect([mode('passphrase'), mode('offline', 'root.key.pem'), mode('consul.db')]).toEqual(
      Array(3).fill('600'),
    );
    expect(mode('keys')).toBe('700');
    expect(readdirSync(post.folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('says in JSON where things are, and takes every answer from an option', async () => {
    const home = join(post.folder, 'dakar');
    const rootKey = join(post.folder, 'usb', 'root.key');
    const said = await post.json(
      ...['init', '--home', home, '--yes', '--country', 'SN', '--host-country', 'FR', '--city', 'Lyon'],
      ...['--code', 'SN-LYS', '--state', 'République du Sénégal', '--state-en', 'Republic of Senegal'],
      ...['--name', 'Consulat du Sénégal à Lyon', '--name-en', 'Consulate of Senegal in Lyon'],
      ...['--languages', 'en,fr', '--time-zone', 'Africa/Dakar', '--currency', 'XOF'],
      ...['--verifier-host', 'v.example/sn', '--signatory-name', 'A. B.', '--signatory-quality', 'Consule'],
      ...['--root-key', rootKey],
    );
    expect(said).toMatchObject({ home, post: 'SN-LYS', rootKey, trust: join(home, 'trust', 'bundle.cose') });
    expect(statSync(rootKey).mode & 0o777).toBe(0o600);
    const { posts } = await post.json('trust', 'show', '--home', home);
    expect(posts).toEqual([
      {
        code: 'SN-LYS',
        country: 'SN',
        fr: 'Consulat du Sénégal à Lyon',
        en: 'Consulate of Senegal in Lyon',
        host: 'v.example/sn',
        timeZone: 'Africa/Dakar',
      },
    ]);
  });
});

describe('a request', () => {
  let first = '';
  let second = '';

  it('is taken once for one key, and answered with a reference and a receipt', async () => {
    const argv = [...submission(post, 'prise-en-charge'), '--key', 'counter-1'];
    const said = await post.done(...argv);
    first = referenceForm.exec(said)?.[0] ?? '';
    expect(said).toContain(`${first}  submitted\n`);
    expect(said).toContain('droit de chancellerie : 15,00');
    expect(said).toMatch(/récépissé : .*RD-20\d\d-000001\.pdf\n/);
    expect(await post.json(...argv)).toMatchObject({ reference: first, created: false, timestamp: 'done' });
  });

  it('is not taken for a key that another content has used', async () => {
    const data = exampleRequest('prise-en-charge', today());
    data.stay.institution = 'Université fictive de Lille';
    const argv = submission(post, 'prise-en-charge', { data, name: 'other' });
    const { status, stderr } = await post.consul(...argv, '--key', 'counter-1');
    expect([status, stderr]).toEqual([2, expect.stringContaining('[USAGE]')]);
    expect(await post.json('request', 'list')).toHaveLength(1);
  });

  it('that lacks pieces is taken as incomplete, told what it lacks, and goes on when they come', async () => {
    const taken = await post.json(
      ...submission(post, 'hebergement', { pieces: ['host-identity', 'guest-identity:1'] }),
      ...['--language', 'en'],
    );
    second = taken.reference;
    expect(taken).toMatchObject({ state: 'incomplete', fee: { amount: 0, currency: 'EUR' } });
    expect(taken.owed).toEqual(
      ['lease', 'rent-receipt', 'bill'].map((where) => ({
        where,
        message: expect.stringContaining('missing'),
      })),
    );
    const pieces = ['lease', 'rent-receipt', 'bill'].flatMap((piece) => [
      '--piece',
      `${piece}=${post.file(`${piece}.jpg`, examplePiece(piece, 'jpeg'))}`,
    ]);
    expect(await post.done('request', 'add', second, ...pieces)).toBe(`${second}  submitted\n`);
  });

  it('is listed and filtered', async () => {
    const lines = (await post.done('request', 'list')).trimEnd().split('\n');
    expect(lines.map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
      [second, 'submitted', 'hebergement'],
      [first, 'submitted', 'prise-en-charge'],
    ]);
    const listed = async (...filter: string[]): Promise<string[]> =>
      (await post.json('request', 'list', ...filter)).map((row: { reference: string }) => row.reference);
    expect(await listed('--procedure', 'hebergement')).toEqual([second]);
    expect(await listed('--state', 'accepted', '--state', 'issued')).toEqual([]);
    expect(await listed('--limit', '1')).toEqual([second]);
    await post.done('request', 'assign', first, '--to', 'awa');
    expect(await listed('--assigned', 'awa')).toEqual([first]);
  });

  it('is found by a reference that was said over the telephone', async () => {
    const spoken = first.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
    expect(await post.json('request', 'show', spoken)).toMatchObject({ reference: first });
  });

  it('is shown with pieces, timeline and what may be done, in either language', async () => {
    const french = await post.done('request', 'show', first);
    expect(french).toContain('confiée à awa');
    expect(french).toMatch(/^Historique$/m);
    expect(french).toMatch(/^Possible maintenant : assign, ask, add, review, decide, withdraw$/m);
    const english = await post.done('request', 'show', first, '--lang', 'en');
    expect(english).toContain('assigned to awa');
    expect(english).toMatch(/^ +1 {2}guarantor-identity +received {2}guarantor-identity\.pdf$/m);
    expect(english).toMatch(/^ {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}request\.submitted +agent:marie$/m);
  });

  it('waits for the citizen who is asked, and goes on with the answer', async () => {
    const question = 'Quelle est l’adresse du garant ?';
    expect(await post.done('request', 'ask', first, '--message', question)).toBe(
      `${first}  waiting-for-citizen\n`,
    );
    expect(await post.json('request', 'show', first)).toMatchObject({ question, dueAt: null });
    expect(await post.done('request', 'answer', first, '--message', 'Celle du bail.')).toBe(
      `${first}  in-instruction\n`,
    );
    const { timeline } = await post.json('request', 'show', first);
    expect(timeline.map(({ kind }: { kind: string }) => kind)).toEqual([
      'request.submitted',
      'receipt.issued',
      'request.assigned',
      'request.asked',
      'request.answered',
    ]);
  });

  it('waits for another piece in place of a refused one', async () => {
    const refused = ['--refuse', '3', '--reason', 'illisible'];
    await post.done('request', 'review', first, '--accept', '1', '--accept', '2', ...refused);
    const { state, pieces } = await post.json('request', 'show', first);
    expect(state).toBe('waiting-for-citizen');
    expect(pieces.slice(0, 3).map((piece: { state: string }) => piece.state)).toEqual([
      'accepted',
      'accepted',
      'refused',
    ]);
    const again = post.file('again.png', examplePiece('again', 'png'));
    expect(await post.done('request', 'add', first, '--piece', `beneficiary-identity=${again}`)).toBe(
      `${first}  in-instruction\n`,
    );
  });

  it('gives its pieces back to who has the keys, and keeps them encrypted', async () => {
    const out = join(post.folder, 'out.pdf');
    await post.done('request', 'piece', first, '1', '--out', out);
    const content = bytesOf(join(post.folder, 'guarantor-identity.pdf'));
    expect(bytesOf(out)).toEqual(content);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const stored = readdirSync(join(post.home, 'pieces'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.age'))
      .map((entry) => Buffer.from(bytesOf(join(entry.parentPath, entry.name))));
    expect(stored.length).toBeGreaterThan(8);
    for (const bytes of stored) expect(bytes.includes('%PDF')).toBe(false);
  });

  it('is refused only with a reason, a ground and a way to contest', async () => {
    const { stderr, status } = await post.consul('request', 'decide', second, '--refuse', '--reason', 'x');
    expect([status, stderr]).toEqual([1, expect.stringContaining('[REASON_REQUIRED]')]);
    const words = [
      '--reason',
      'Logement trop petit',
      '--ground',
      'Surface minimale',
      '--contest',
      'Deux mois',
    ];
    expect(await post.json('request', 'decide', second, '--refuse', ...words)).toMatchObject({
      state: 'refused',
      decision: 'refused',
    });
    expect(await post.done('request', 'show', second)).toContain('refusée : Logement trop petit');
  });

  it('is withdrawn for the citizen', async () => {
    const { reference } = await post.json(...submission(post, 'hebergement'));
    expect(await post.json('request', 'withdraw', reference, '--reason', 'voyage annulé')).toMatchObject({
      state: 'withdrawn',
    });
  });
});

describe('a document', () => {
  let reference = '';
  let number = '';
  let document = '';
  let trust = '';

  it('is issued once, however often it is asked for', async () => {
    ({ reference, number, document } = await issued(post, 'prise-en-charge'));
    expect(basename(document)).toBe(`${number}.pdf`);
    expect(await post.done('issue', reference)).toBe(`${number}  ${document}\n`);
    expect(await post.json('issue', reference)).toEqual({
      reference,
      number,
      document,
      timestamp: 'done',
      level: 'B-LTA',
    });
    expect(await post.json('request', 'show', reference)).toMatchObject({ state: 'issued' });
  });

  it('of the other procedure comes out in English', async () => {
    const lodging = await issued(post, 'hebergement', { language: 'en' });
    expect(await post.done('verify', lodging.document, '--lang', 'en')).toMatch(
      /^✔ GENUINE: Certificate of lodging/,
    );
  });

  it('is verified by a stranger who has the trust bundle and nothing else', async () => {
    trust = join(post.folder, 'trust.cose');
    const { root } = await post.json('trust', 'export', '--out', trust);
    const elsewhere = { cwd: post.folder, env: { CONSUL_HOME: '/nowhere', CONSUL_TRUST: 'trust.cose' } };
    const french = await post.consulWith(elsewhere, 'verify', document, '--root', root);
    expect([french.status, french.stderr]).toEqual([0, '']);
    expect(french.stdout).toMatch(new RegExp(`^✔ AUTHENTIQUE : .*${number}`));
    expect(french.stdout).toMatch(/^ {2}TOTAL-PASSED$/m);
    const quiet = await post.consulWith(elsewhere, 'verify', document, '--quiet', '--lang', 'en');
    expect(quiet.stdout).toMatch(/^✔ GENUINE: .*\n$/);
    const json = await post.consulWith(elsewhere, 'verify', document, '--json');
    const report = JSON.parse(json.stdout);
    expect(report).toMatchObject({
      version: 1,
      subject: 'pdf',
      indication: 'TOTAL-PASSED',
      document: { number, post: 'GA-PAR', type: 'prise-en-charge' },
      compareWithPaper: false,
      trust: { root, sequence: 1, freshness: 'current' },
    });
    // No status list is at hand, and that is said.
    for (const { id, outcome } of report.checks)
      expect([id, outcome]).toEqual([id, id === 'status' ? 'not-checked' : 'passed']);
    expect(report.fields).toContainEqual({ label: 'Nom', value: 'Nziengui' });
  });

  it('is verified from standard input, and beside others', async () => {
    const piped = await post.consulWith({ input: bytesOf(document) }, 'verify', '-', '--quiet');
    expect([piped.status, piped.stdout]).toEqual([0, expect.stringMatching(/^✔/)]);
    const forged = Uint8Array.from(bytesOf(document), (byte, at) => (at === 5000 ? byte ^ 1 : byte));
    const bad = post.file('forged.pdf', forged);
    const both = await post.consul('verify', document, bad, join(post.folder, 'absent.pdf'), '--json');
    expect(both.status).toBe(1);
    expect(JSON.parse(both.stdout)).toMatchObject([
      { file: document, indication: 'TOTAL-PASSED' },
      { file: bad, indication: 'TOTAL-FAILED' },
      { error: { code: 'FILE_UNREADABLE' } },
    ]);
    const readable = await post.consul('verify', document, join(post.folder, 'absent.pdf'), '--quiet');
    expect(readable.status).toBe(2);
    expect(readable.stdout).toMatch(/^✔/);
    expect(readable.stderr).toContain('[FILE_UNREADABLE]');
  });

  it('has a receipt of its deposit, which is a document too', async () => {
    const path = (await post.done('request', 'receipt', reference)).trim();
    const report = await post.json('verify', path);
    expect(report).toMatchObject({ indication: 'TOTAL-PASSED', document: { type: 'recepisse' } });
    expect(JSON.stringify(report.fields)).toContain('NZIENGUI');
  });

  it('is proven to be in the public log', async () => {
    const proof = join(post.folder, 'document.proof');
    expect(await post.done('log', 'prove', number)).toMatch(/^c2sp\.org\/tlog-proof@v1\nindex \d+\n/);
    await post.done('log', 'prove', number, '--out', proof);
    const { index, proof: text } = await post.json('log', 'prove', number);
    expect(text).toMatch(new RegExp(`\nindex ${index}\n`));
    expect(await post.json('log', 'verify', document, '--trust', trust)).toMatchObject({
      valid: true,
      index,
    });
    expect(await post.done('log', 'verify', document, '--proof', proof, '--lang', 'en')).toContain(
      `entry ${index} of the log of GA-PAR`,
    );
    const other = (await post.done('request', 'receipt', reference)).trim();
    const foreign = await post.consul('log', 'verify', other, '--proof', proof, '--lang', 'en');
    expect([foreign.status, foreign.stdout]).toEqual([1, expect.stringMatching(/^not in the log: /)]);
    const { checkpoint } = await post.json('log', 'checkpoint');
    expect(checkpoint).toBe(await post.done('log', 'checkpoint'));
    expect(checkpoint).toMatch(/^verif\.consulat\.example\/log\/ga-par\n\d+\n[^\n]{44}\n\n— /);
  });

  it('leaves a journal, a register and a log that agree', async () => {
    const report = await post.json('audit', 'verify');
    expect(report).toMatchObject({ intact: true, unfinished: 0, faults: [] });
    expect(report.logSize).toBe(report.documents);
    expect(await post.done('audit', 'verify', '--lang', 'en')).toMatch(/^✔ intact: \d+ journal entries/);
    expect(await post.done('audit', 'verify')).toMatch(/^✔ intact : \d+ entrées/);
  });
});

describe('the trust bundle', () => {
  it('is exported byte for byte, and shown in either language', async () => {
    const { bytes, status } = await post.consul('trust', 'export');
    expect([status, bytes]).toEqual([0, Buffer.from(bytesOf(join(post.home, 'trust', 'bundle.cose')))]);
    const french = await post.done('trust', 'show');
    expect(french).toMatch(/^Liste de confiance n° 1 du .* : à jour\n {2}racine +SHA-256 [0-9a-f]{64}\n/);
    const english = await post.done('--lang', 'en', 'trust', 'show');
    expect(english).toMatch(/^Trust bundle no\. 1 of .*: up to date\n {2}root +SHA-256 [0-9a-f]{64}\n/);
    // The signer of ICAO seals has a name of two letters.
    const columns = english
      .split('\n')
      .slice(2, -1)
      .filter((line) => !line.includes('ICAO'))
      .map((line) => line.search(/Consul|verif/));
    expect(new Set(columns).size).toBe(1);
    const { keys } = await post.json('trust', 'show');
    expect(keys.map(({ use, state }: { use: string; state: string }) => [use, state])).toEqual([
      ['document', 'active'],
      ['seal', 'active'],
      ['vds', 'active'],
      ['timestamp', 'active'],
    ]);
  });
});

describe('a time-stamp', () => {
  it('is given and checked for any file', async () => {
    const file = post.file('letter.txt', 'any file at all');
    const other = post.file('other.txt', 'another file');
    expect(await post.done('timestamp', 'ask', file)).toBe(`${file}.tst : jeton d’horodatage (RFC 3161)\n`);
    expect(await post.done('timestamp', 'verify', file, `${file}.tst`, '--lang', 'en')).toMatch(
      /letter\.txt existed on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(Consulat/,
    );
    expect(await post.json('timestamp', 'verify', file, `${file}.tst`)).toMatchObject({ valid: true });
    const wrong = await post.consul('timestamp', 'verify', other, `${file}.tst`, '--json');
    expect([wrong.status, JSON.parse(wrong.stdout).valid]).toEqual([1, false]);
  });
});

describe('many documents', () => {
  const names = Object.entries(exampleTravellers);
  const accepted: string[] = [];
  let waiting = '';

  beforeAll(async () => {
    const made = await Promise.all(
      names.map(async ([script, traveller]) => {
        const data = exampleRequest('prise-en-charge', today());
        data.beneficiaries = [traveller];
        // Another guarantor each: undertakings of one are added up.
        data.guarantor.birth.date = `19${60 + accepted.push('')}-03-01`;
        return post.json(...submission(post, 'prise-en-charge', { data, name: script }));
      }),
    );
    accepted.splice(0, accepted.length, ...made.map(({ reference }) => reference));
    await Promise.all(
      accepted.map((reference) =>
        post.done('request', 'decide', reference, '--accept', '--reason', 'pièces vues au guichet'),
      ),
    );
    ({ reference: waiting } = await post.json(...submission(post, 'hebergement')));
  });

  it('are issued from a list, and what cannot be issued is named line by line', async () => {
    const [first] = accepted;
    const unknown = 'GA-PAR-2026-7E8P-TQXN-01E1';
    const list = post.file(
      'list.jsonl',
      [
        ...accepted.map((reference) => JSON.stringify({ reference })),
        JSON.stringify(first),
        '',
        '{"reference": ',
        JSON.stringify({ number: 1 }),
        JSON.stringify({ reference: unknown }),
        JSON.stringify({ reference: waiting }),
        JSON.stringify({ reference: `${first?.slice(0, -1)}?` }),
      ].join('\n'),
    );
    const { status, stdout, stderr } = await post.consul('issue', '--batch', list, '--threads', '1');
    expect(status).toBe(1);
    expect(stdout).toBe('6 délivrés, 5 en échec, 0 en attente d’horodatage\n');
    const told = stderr.split('\n').filter((line) => line.startsWith('consul: '));
    expect(told.map((line) => /line (\d+): .*\[(\w+)\]/.exec(line)?.slice(1))).toEqual([
      ['9', 'JSON_MALFORMED'],
      ['10', 'SCHEMA_VIOLATION'],
      ['11', 'REQUEST_UNKNOWN'],
      ['12', 'REQUEST_WRONG_STATE'],
      ['13', 'REFERENCE_INVALID'],
    ]);
  });

  it('keep their numbers when the list is run again, and names in every script verify', async () => {
    const list = post.file('again.jsonl', accepted.map((one) => JSON.stringify(one)).join('\n'));
    const before = await post.json('audit', 'verify');
    const { status, stdout } = await post.consul('issue', '--batch', list, '--threads', '0', '--json');
    expect(status).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(new Set(lines.map(({ number }) => number)).size).toBe(6);
    expect(await post.json('audit', 'verify')).toEqual(before);

    const documents = accepted.map((one) => lines.find(({ reference }) => reference === one)?.document);
    const reports = await post.json('verify', ...documents);
    for (const [at, [, traveller]] of names.entries()) {
      expect(reports[at]).toMatchObject({ indication: 'TOTAL-PASSED' });
      // The seal has the Latin name, the page and its record both.
      const sealed = traveller.latinName ?? traveller;
      expect(JSON.stringify(reports[at].fields)).toContain(sealed.familyName.normalize('NFC'));
      const record = attachment(bytesOf(documents[at]), 'record.json');
      for (const name of [traveller.familyName, traveller.givenNames ?? '', sealed.familyName])
        expect(printed(record)).toContain(printed(name));
    }
  });
});
