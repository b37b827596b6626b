import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

  test('gets another key by another label, and a certificate for it', { timeout: 60_000 }, async () => {
    if (!hasPkcs11Tool) return;
    const label = 'GA-PAR document-signer second';
    hsm.tool(
      place,
      ...'--keypairgen --key-type EC:prime256v1 --usage-sign --id aa55 --label'.split(' '),
      label,
    );
    const settings = join(post.home, 'post.toml');
    const text = readFileSync(settings, 'utf8');
    writeFileSync(settings, text.replace(/GA-PAR document-signer [^"]*/, label));
    const submit = submission(post, 'hebergement');
    const refused = await post.consul(...submit, '--json', ...withPin());
    expect(JSON.parse(refused.stdout).error).toMatchObject({ code: 'KEY_INVALID' });
    const root = join(post.home, 'offline', 'root.key.pem');
    await post.done('pki', 'renew', 'document-signer', '--root-key', root, ...withPin());
    const { receipt } = await post.json(...submit, ...withPin());
    expect((await post.consul('verify', receipt, '--quiet')).status).toBe(0);
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

  test('is not made where the token is named wrongly', async () => {
    const folder = emptyFolder();
    const init = async (...keys: string[]) =>
      JSON.parse(
        (await folder.consul('init', '--yes', '--json', '--pin-file', pin, '--keys', ...keys)).stdout,
      ).error.code;
    try {
      expect(await init('pkcs11:token=Paris')).toBe('USAGE');
      expect(await init(`root=pkcs11:token=t?module-path=${place.module}`)).toBe('USAGE');
      expect(await init(`pkcs11:token=Lyon?module-path=${place.module}`)).toBe('TOKEN_UNAVAILABLE');
    } finally {
      folder.remove();
    }
  });
});
