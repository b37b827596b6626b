import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TokenPlace } from '../core/pki/pkcs11.ts';
import { hasPkcs11Tool, type SoftHsm, softHsm, softHsmModule } from '../core/pki/softhsm.fixture.ts';
import { emptyFolder, issued, newPost, submission, type TestPost } from './testing.ts';

const signing = ['issuing-ca', 'document-signer', 'seal-signer', 'vds-signer', 'tsa', 'log'];

describe.skipIf(!softHsmModule)('a post whose signing keys are in a token', () => {
  let hsm: SoftHsm;
  let place: TokenPlace;
  let post: TestPost;
  let pin: string;
  const withPin = () => ['--pin-file', pin];

  beforeAll(async () => {
    hsm = softHsm(softHsmModule as string);
    place = hsm.token('Consulat de Paris', '314159');
    const beside = emptyFolder();
    pin = beside.file('pin', '314159\n');
    const uri = `pkcs11:token=Consulat%20de%20Paris?module-path=${place.module}`;
    post = await newPost('--keys', uri, '--pin-file', pin);
  });
  afterAll(() => {
    post?.remove();
    if (pin) rmSync(join(pin, '..'), { recursive: true });
    hsm?.remove();
  });

  test('has them nowhere else, and they cannot be read out', async () => {
    expect(readdirSync(join(post.home, 'keys'))).toEqual(['pieces.key.pem']);
    expect(readFileSync(join(post.home, 'post.toml'), 'utf8')).not.toContain('314159');
    if (!hasPkcs11Tool) return;
    const objects = hsm.tool(place, '--list-objects', '--type', 'privkey');
    for (const name of signing) expect(objects).toMatch(new RegExp(`GA-PAR ${name} `));
    expect(objects.match(/Private Key Object/g)).toHaveLength(signing.length);
    expect(objects.match(/never extractable/g)).toHaveLength(signing.length);
  });

  test('issues on two threads what strangers verify, and receipts, lists and time-stamps', {
    timeout: 120_000,
  }, async () => {
    const references: string[] = [];
    for (const name of ['one', 'two']) {
      const { reference, receipt } = await post.json(
        ...submission(post, 'prise-en-charge', { name }),
        ...withPin(),
      );
      expect((await post.consul('verify', receipt, '--quiet')).status).toBe(0);
      await post.done('request', 'decide', reference, '--accept');
      references.push(reference);
    }
    const batch = post.file('batch.jsonl', references.map((each) => JSON.stringify(each)).join('\n'));
    const lines = await post.done('issue', '--batch', batch, '--threads', '2', '--json', ...withPin());
    const documents = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(documents).toMatchObject([{ timestamp: 'done' }, { timestamp: 'done' }]);
    for (const { document } of documents) {
      const { status, stdout } = await post.consul('verify', document, '--json');
      expect([status, JSON.parse(stdout).indication]).toEqual([0, 'TOTAL-PASSED']);
    }
    await post.done('pki', 'crl', ...withPin());
    await post.done('status', 'publish', ...withPin());
    await post.done('log', 'timestamp', ...withPin());
    const letter = post.file('letter.txt', 'a letter');
    await post.done('timestamp', 'ask', letter, ...withPin());
    await post.done('timestamp', 'verify', letter, `${letter}.tst`);
    expect((await post.consul('audit', 'verify')).status).toBe(0);
  });

  test('does nothing without the PIN, or with another', async () => {
    const wrong = post.file('wrong', '271828\n');
    const submit = submission(post, 'prise-en-charge', { name: 'three' });
    const told = async (...options: string[]) =>
      JSON.parse((await post.consul(...submit, '--json', ...options)).stdout).error.code;
    expect(await told()).toBe('PIN_MISSING');
    expect(await told('--pin-file', wrong)).toBe('PIN_WRONG');
    expect(await post.json('request', 'list')).toHaveLength(2);
  });

  test('gets other keys in the token, and destroys those that it replaces', {
    timeout: 120_000,
  }, async () => {
    const rootKey = ['--root-key', join(post.home, 'offline', 'root.key.pem')];
    const act = (...argv: readonly string[]) => post.json('pki', ...argv, ...rootKey, ...withPin());
    const labels = () => {
      const text = hsm.tool(place, '--list-objects', '--type', 'privkey');
      return [...text.matchAll(/label: +(.+)/g)].map(([, label = '']) => label).sort();
    };
    const before = hasPkcs11Tool ? labels() : [];
    const since = new Date().toISOString();
    await act('rotate', 'document-signer', '--overlap', '3');
    const during = await post.json(...submission(post, 'hebergement'), ...withPin());
    await post.done('pki', 'switch', ...withPin());
    await act('rotate', 'log');
    const { serial } = (await post.json('pki', 'list')).find(
      ({ profile }: { profile: string }) => profile === 'issuing-ca',
    );
    const acted = await act('compromised', serial, '--since', since);
    expect(acted.replaced).toHaveLength(5);
    const { resealed } = await post.json('pki', 'reseal', serial, ...withPin());
    expect(resealed.map(({ number }: { number: string }) => number)).toEqual([
      during.receipt.replace(/.*\/|\.pdf$/g, ''),
    ]);
    expect((await post.consul('verify', resealed[0].document, '--quiet')).status).toBe(0);
    const { lists } = await act('crl');
    expect(lists).toHaveLength(3);
    expect((await post.consul('audit', 'verify')).status).toBe(0);
    if (!hasPkcs11Tool) return;
    // The authority that was replaced goes on signing its list; the other keys that were replaced are gone.
    expect(labels()).toHaveLength(before.length + 1);
    expect(labels().filter((label) => before.includes(label))).toEqual(
      before.filter((label) => !/document-signer|log/.test(label)),
    );
  });

  test('may have only some of its keys there, and its PIN in a file', { timeout: 60_000 }, async () => {
    const uri = `pkcs11:token=Consulat%20de%20Paris?module-path=${place.module}&pin-source=file:${pin}`;
    const other = await newPost('--keys', `document-signer=${uri}`);
    try {
      expect(readdirSync(join(other.home, 'keys'))).not.toContain('document-signer.key.pem');
      const { document } = await issued(other, 'prise-en-charge');
      expect((await other.consul('verify', document, '--quiet')).status).toBe(0);
    } finally {
      other.remove();
    }
  });

  test('may have its root, and the keys of its agents, in tokens of their own', {
    timeout: 60_000,
  }, async () => {
    const safe = hsm.token('coffre', '112233');
    const pinOf = post.file('safe-pin', '112233\n');
    const there = `?module-path=${safe.module}&pin-source=file:${pinOf}`;
    const other = emptyFolder();
    try {
      const { rootKey } = await other.json('init', '--yes', '--keys', `root=pkcs11:token=coffre${there}`);
      expect(rootKey).toMatch(/^pkcs11:token=coffre;object=GA-PAR%20root/);
      expect(readdirSync(join(other.home, 'offline'))).toEqual([]);
      const root = ['--root-key', rootKey, '--pin-file', pinOf];
      expect(await other.json('trust', 'renew', ...root)).toMatchObject({ sequence: 2 });
      const unopened = await other.consul('trust', 'renew', '--root-key', rootKey, '--json');
      expect(JSON.parse(unopened.stdout).error.code).toBe('PIN_MISSING');

      if (!hasPkcs11Tool) return;
      const pair = '--keypairgen --key-type EC:prime256v1 --usage-sign --id c0de --label'.split(' ');
      hsm.tool(safe, ...pair, 'carte de Marie');
      const key = ['--key', `pkcs11:token=coffre;id=%c0%de${there}`];
      await other.done('pki', 'issue', 'agent', '--name', 'Marie Essono', '--out', other.folder, ...key);
      const { reference } = await other.json(...submission(other, 'hebergement'));
      await other.done('request', 'decide', reference, '--accept', ...key);
      expect((await other.json('request', 'show', reference)).approvals).toMatchObject([
        { agent: 'Marie Essono', valid: true },
      ]);
    } finally {
      other.remove();
    }
  });

  test('is not made where the token is named wrongly', async () => {
    const folder = emptyFolder();
    const init = async (...keys: string[]) =>
      JSON.parse(
        (await folder.consul('init', '--yes', '--json', '--pin-file', pin, '--keys', ...keys)).stdout,
      ).error.code;
    try {
      expect(await init('pkcs11:token=Paris')).toBe('USAGE');
      expect(await init(`pieces=pkcs11:token=t?module-path=${place.module}`)).toBe('USAGE');
      expect(await init(`pkcs11:token=Lyon?module-path=${place.module}`)).toBe('TOKEN_UNAVAILABLE');
    } finally {
      folder.remove();
    }
  });
});
