import { createHash, randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import qrcode from 'qrcode';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPost } from '../core/issuance/create-post.ts';
import { readSettings } from '../core/store/post-folder.ts';
import { examplePiece } from '../fixtures/pieces.ts';
import { type ExampleData, exampleRequest } from '../fixtures/requests.ts';
import { shipped } from './shipped.ts';
import {
  bytesOf,
  emptyFolder,
  type Finished,
  issued,
  newPost,
  program,
  type RunOptions,
  run,
  submission,
  type TestPost,
  today,
} from './testing.ts';

let post: TestPost;
let document = '';
/** A request that waits for an agent. */
let waiting = '';
beforeAll(async () => {
  post = await newPost();
  ({ document } = await issued(post, 'prise-en-charge'));
  ({ reference: waiting } = await post.json(...submission(post, 'hebergement')));
});
afterAll(() => post?.remove());

const openDatabase = (home: string): Database => {
  const Sqlite = createRequire(import.meta.url)('better-sqlite3');
  return new Sqlite(join(home, 'consul.db'));
};

/** All that a post holds: every file by its digest, and the rows of every table. */
function contents(folder: string, home = post.home): Record<string, string | number> {
  const held: Record<string, string | number> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || /consul\.db|\/cache\//.test(path)) continue;
    held[path] =
      statSync(path).size > 1e7 ? 0 : createHash('sha256').update(readFileSync(path)).digest('hex');
  }
  const database = openDatabase(home);
  for (const table of ['request', 'piece', 'timeline', 'journal', 'document', 'leaf', 'outbox'])
    held[table] = (database.prepare(`select count(*) as n from ${table}`).get() as { n: number }).n;
  database.close();
  return held;
}

const secrets = () => [
  readFileSync(join(post.home, 'passphrase'), 'utf8').trim(),
  ...['Nziengui', 'NZIENGUI', 'Moussavou', 'FICTIF0042', '00FB67890', 'elodie', '12, rue'],
];

/** A failure as it must be: the status, one line with the code, details indented, no stack trace, no secret. */
function expectFailure({ status, stdout, stderr }: Finished, code: string, expected: number): void {
  const [line = '', ...details] = stderr.trimEnd().split('\n');
  expect(line).toMatch(new RegExp(`^consul: .+ \\[${code}\\] .+\\.$`));
  for (const detail of details) expect(detail).toMatch(/^ {2}\S/);
  expect([status, stdout]).toEqual([expected, '']);
  expect(stderr).not.toMatch(/^\s+at /m);
  for (const secret of secrets()) expect(stderr).not.toContain(secret);
}

/** Runs what must be refused, and shows that nothing is there afterwards that was not before. */
async function refused(code: string, argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const before = contents(post.folder);
  const finished = await post.consulWith(options, ...argv);
  expectFailure(finished, code, statusOf(code));
  expect(contents(post.folder)).toEqual(before);
  return finished.stderr;
}

/** The same for many commands, some at a time. @returns what each said */
async function allRefused(
  cases: readonly (readonly [code: string, argv: readonly string[]])[],
): Promise<string[]> {
  const before = contents(post.folder);
  const said: string[] = [];
  const open = [...cases.entries()];
  const work = async (): Promise<void> => {
    for (let next = open.shift(); next; next = open.shift()) {
      const [at, [code, argv]] = next;
      const finished = await post.consul(...argv);
      expectFailure(finished, code, statusOf(code));
      said[at] = finished.stderr;
    }
  };
  await Promise.all([work(), work(), work()]);
  expect(contents(post.folder)).toEqual(before);
  return said;
}

const wrongUsage = [
  'USAGE',
  'FILE_UNREADABLE',
  'FILE_UNWRITABLE',
  'PICTURE_UNREADABLE',
  'TRUST_MISSING',
  'TRUST_INVALID',
  'POST_MISSING',
];
const statusOf = (code: string): number => (wrongUsage.includes(code) ? 2 : 1);

const withData = (data: string | Uint8Array): string[] => {
  const [, , id = '', , , ...pieces] = submission(post, 'prise-en-charge');
  return ['request', 'submit', id, '--data', post.file('data.json', data), ...pieces];
};

const changed = (change: (data: ExampleData) => void): string[] => {
  const data = exampleRequest('prise-en-charge', today());
  change(data);
  return withData(JSON.stringify(data));
};

describe('data of a request', () => {
  it('that are not JSON are refused with the place', async () => {
    const cases: readonly (readonly [text: string | Uint8Array, place: string])[] = [
      ['{\n  "a": 1,\n  "b"\n}', 'line 4, column 1'],
      ['{"a": [1, 2,]}', 'line 1, column 13'],
      ['{\n"a": True}', 'line 2, column 6'],
      ['{}\r\n{}', 'line 2, column 1'],
      ['', 'line 1, column 1'],
      [Buffer.from('{"a": "\n\xc9"}', 'latin1'), 'line 2, column 1'],
    ];
    const files = cases.map(([text], at) => post.file(`broken-${at}.json`, text));
    const said = await allRefused(
      files.map((file) => ['JSON_MALFORMED', ['request', 'submit', 'hebergement', '--data', file]] as const),
    );
    for (const [at, [, place]] of cases.entries()) expect(said[at]).toContain(` at ${place} [`);
  });

  it('may begin with a byte order mark, and may come by standard input', async () => {
    const text = `\ufeff${JSON.stringify(exampleRequest('hebergement', today()))}`;
    const argv = ['request', 'submit', 'hebergement', '--data', '-', '--json'];
    const { status, stdout } = await post.consulWith({ input: text }, ...argv);
    expect([status, JSON.parse(stdout).state]).toEqual([0, 'incomplete']);
  });

  it('that cannot be read, or are no data, are refused', async () => {
    const to = (file: string) => ['request', 'submit', 'prise-en-charge', '--data', file];
    const nested = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    await allRefused([
      ['FILE_UNREADABLE', to(join(post.folder, 'absent.json'))],
      ['FILE_UNREADABLE', to(post.folder)],
      ['FILE_UNREADABLE', to(post.file('large.json', ' '.repeat(2 * 1024 ** 2)))],
      ['SCHEMA_VIOLATION', to(post.file('list.json', '[]'))],
      ['SCHEMA_VIOLATION', to(post.file('null.json', 'null'))],
      ['SCHEMA_VIOLATION', to(post.file('nested.json', nested))],
    ]);
  });

  it('are refused with every wrong field: pointer, label and what is wanted, in the language', async () => {
    const argv = changed((data) => {
      delete data.guarantor.familyName;
      data.guarantor.birth.date = '31/12/1979';
      data.beneficiaries[0].sex = 'Q';
      data.stay.country = 'ZZ';
      data.extra = 1;
    });
    const told = async (language: string) =>
      (await refused('SCHEMA_VIOLATION', [...argv, '--language', language])).trimEnd().split('\n').slice(1);
    const english = await told('en');
    expect(english.map((line) => line.trim().split(/[ :]/)[0]).sort()).toEqual([
      '/beneficiaries/0/sex',
      '/extra',
      '/guarantor/birth/date',
      '/guarantor/familyName',
      '/stay/country',
    ]);
    expect(english.find((line) => line.includes('familyName'))).toMatch(
      /\(.*Family name at birth\): This field is required\.$/,
    );
    const french = await told('fr');
    expect(french.find((line) => line.includes('familyName'))).toMatch(
      /\(.*Nom.*\): Ce champ est obligatoire/,
    );
  });

  it('that break a rule are refused with the rule', async () => {
    const argv = changed((data) => {
      data.resources.income.amount = 200;
    });
    expect(await refused('RULE_VIOLATED', argv)).toContain('\n  /resources/income/amount (');
  });

  it('of an unknown procedure, also of one that names a path, are refused', async () => {
    const ids = ['visa', '../prise-en-charge'];
    await allRefused(ids.map((id) => ['PROCEDURE_UNKNOWN', ['request', 'submit', id, '--data', '-']]));
  });
});

describe('a piece', () => {
  const bringing = (...pieces: string[]): string[] => [
    ...submission(post, 'prise-en-charge'),
    ...pieces.flatMap((piece) => ['--piece', piece]),
  ];

  it('that cannot be read, or is over the limit, is refused', async () => {
    const large = post.file('large.pdf', '%PDF-1.7\n');
    truncateSync(large, 3 * 1024 ** 3);
    const kind = post.file('kind.pdf', Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(6_000_000)]));
    await allRefused([
      ['PIECE_UNREADABLE', bringing(`admission=${join(post.folder, 'absent.pdf')}`)],
      ['PIECE_UNREADABLE', bringing(`admission=${post.folder}`)],
      ['PIECE_TOO_LARGE', bringing(`admission=${large}`)],
      ['PIECE_TOO_LARGE', bringing(`admission=${kind}`)],
    ]);
    rmSync(large);
  });

  it('of another type than it claims is refused', async () => {
    await allRefused([
      ['PIECE_TYPE', bringing(`admission=${post.file('text.pdf', 'not a PDF')}`)],
      ['PIECE_TYPE', bringing(`admission=${post.file('png.pdf', examplePiece('x', 'png'))}`)],
      ['PIECE_TYPE', bringing(`admission=${post.file('empty.pdf', '')}`)],
    ]);
  });

  it('of an unknown name, or one too many, is refused', async () => {
    const file = post.file('piece.pdf', examplePiece('x', 'pdf'));
    const wrong = ['admission', 'admission='];
    await allRefused([
      ['PIECE_UNKNOWN', bringing(`diploma=${file}`)],
      ['PIECE_UNKNOWN', bringing(`admission:2=${file}`)],
      ['RULE_VIOLATED', bringing(...Array<string>(5).fill(`admission=${file}`))],
      ...wrong.map((text) => ['USAGE', bringing(text)] as const),
    ]);
  });
});

describe('a reference', () => {
  it('with one wrong character, or of no form, is refused before anything is looked up', async () => {
    const wrong = waiting.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    expect(await refused('REFERENCE_INVALID', ['request', 'show', wrong])).toContain('check character');
    const texts = ['../../etc/passwd', `${waiting}0`, 'A'.repeat(10_000)];
    await allRefused(texts.map((text) => ['REFERENCE_INVALID', ['issue', text]]));
  });

  it('that no request has is unknown', async () => {
    const commands = [['issue'], ['request', 'show']];
    const unknown = 'GA-PAR-2026-7E8P-TQXN-01E1';
    await allRefused(commands.map((command) => ['REQUEST_UNKNOWN', [...command, unknown]]));
  });
});

describe('a request in the wrong state', () => {
  it('is left as it is', async () => {
    const { reference } = (await post.json('request', 'list', '--state', 'issued'))[0];
    const late = post.file('late.pdf', examplePiece('late', 'pdf'));
    const acts = [
      ['answer', waiting, '--message', 'x'],
      ['decide', reference, '--accept'],
      ['add', reference, '--piece', `admission=${late}`],
      ['withdraw', reference],
    ];
    await allRefused([
      ['REQUEST_WRONG_STATE', ['issue', waiting]],
      ...acts.map((act) => ['REQUEST_WRONG_STATE', ['request', ...act]] as const),
    ]);
  });

  it('is not acted on without the words that an act needs, nor on a piece that is not there', async () => {
    await allRefused([
      ['REASON_REQUIRED', ['request', 'ask', waiting, '--message', '  ']],
      ['REASON_REQUIRED', ['request', 'review', waiting, '--refuse', '1']],
      ['REASON_REQUIRED', ['request', 'decide', waiting, '--refuse']],
      ['PIECE_UNKNOWN', ['request', 'review', waiting, '--accept', '99']],
      ['PIECE_UNKNOWN', ['request', 'piece', waiting, '99', '--out', join(post.folder, 'out')]],
      ['USAGE', ['request', 'decide', waiting, '--accept', '--refuse']],
    ]);
  });
});

describe('a passphrase', () => {
  const chosen = 'une phrase de passe à accents';
  let home = '';
  let right = '';

  beforeAll(async () => {
    home = join(post.folder, 'chosen');
    right = post.file('right.txt', `${chosen}\nsecond line\n`);
    await post.done('init', '--home', home, '--yes', '--passphrase-file', right);
    expect(existsSync(join(home, 'passphrase'))).toBe(false);
  });

  const ask = () => ['timestamp', 'ask', right, '--home', home, '--out', join(post.folder, 'out.tst')];

  it('comes from a file, the environment or a descriptor', async () => {
    expect((await post.consul(...ask(), '--passphrase-file', right)).status).toBe(0);
    const env = { CONSUL_PASSPHRASE_FILE: right };
    expect((await post.consulWith({ env }, ...ask())).status).toBe(0);
    const decomposed = chosen.normalize('NFD');
    const byDescriptor = await post.consulWith({ input: decomposed }, ...ask(), '--passphrase-fd', '0');
    expect(byDescriptor.status).toBe(0);
    rmSync(join(post.folder, 'out.tst'));
  });

  it('that is wrong, empty or missing is told, and nothing is taken', async () => {
    const wrong = post.file('wrong.txt', 'another passphrase');
    const empty = post.file('empty.txt', '\n');
    await allRefused([
      ['PASSPHRASE_WRONG', [...ask(), '--passphrase-file', wrong]],
      ['PASSPHRASE_MISSING', [...ask(), '--passphrase-file', empty]],
      ['PASSPHRASE_MISSING', ask()],
      ['FILE_UNREADABLE', [...ask(), '--passphrase-file', join(post.folder, 'absent')]],
      ['FILE_UNREADABLE', [...ask(), '--passphrase-fd', '77']],
      ['USAGE', [...ask(), '--passphrase-fd', 'x']],
    ]);
    // A deposit whose receipt could not be signed is not taken.
    const submit = [...submission(post, 'hebergement'), '--home', home];
    const before = contents(home, home);
    expectFailure(await post.consul(...submit, '--passphrase-file', wrong), 'PASSPHRASE_WRONG', 1);
    expectFailure(await post.consul(...submit), 'PASSPHRASE_MISSING', 1);
    expect(contents(home, home)).toEqual(before);
  });

  it('is never taken from an argument, and never too short', async () => {
    const short = post.file('short.txt', 'short');
    const init = ['init', '--home', join(post.folder, 'other'), '--yes', '--passphrase-file', short];
    await allRefused([
      ['USAGE', [...ask(), '--passphrase', chosen]],
      ['USAGE', init],
    ]);
  });
});

describe('a signer out of its time', () => {
  it.each([
    ['CERTIFICATE_EXPIRED', '2001-01-01T00:00:00Z'],
    ['CERTIFICATE_NOT_YET_VALID', '2091-01-01T00:00:00Z'],
  ])('%s: takes and issues nothing', async (code, time) => {
    const home = join(post.folder, code);
    const passphrase = { bytes: new TextEncoder().encode('x'), origin: 'random' as const, keep: 'x' };
    const settings = await readSettings(post.home);
    await createPost({ home, settings, passphrase, now: new Date(time) });
    const before = contents(home, home);
    const submit = [...submission(post, 'hebergement'), '--home', home];
    expectFailure(await post.consul(...submit), code, 1);
    expectFailure(await post.consul('timestamp', 'ask', document, '--home', home), code, 1);
    expect(contents(home, home)).toEqual(before);
    expect(existsSync(`${document}.tst`)).toBe(false);
    rmSync(home, { recursive: true });
  });
});

describe('a full disk', () => {
  // A limit on the size of files stands for it: who writes more gets EFBIG.
  const within = (blocks: number, ...argv: readonly string[]): Promise<Finished> =>
    run(
      'sh',
      ['-c', `trap '' XFSZ; ulimit -f ${blocks}; exec "$@"`, 'sh', process.execPath, program, ...argv],
      {
        env: { CONSUL_HOME: post.home, CONSUL_AGENT: 'marie' },
      },
    );

  it('leaves a deposit taken whole, or not at all', async () => {
    for (const blocks of [0, 8, 40]) {
      const before = contents(post.home);
      const data = exampleRequest('hebergement', today());
      data.dwelling.address.street = `${blocks}, rue de l’Exemple`;
      const finished = await within(blocks, ...submission(post, 'hebergement', { data }));
      if (finished.status === 0) continue;
      expect(finished.stderr).toMatch(/^consul: .*\[DISK_FULL\] [^\n]*\n$/);
      const after = contents(post.home);
      // A request that is written is acknowledged with its reference, in the error if need be.
      const reference = /request (GA-\S+) is taken/.exec(finished.stderr)?.[1];
      if (reference === undefined) expect(after.request).toBe(before.request);
      else expect((await post.json('request', 'receipt', reference)).reference).toBe(reference);
    }
    expect(await post.json('audit', 'verify')).toMatchObject({ intact: true, unfinished: 0 });
  });

  it('leaves no part of a post, and no part of a file in place of another', async () => {
    const home = join(post.folder, 'small');
    expectFailure(await within(1, 'init', '--yes', '--home', home), 'DISK_FULL', 1);
    expect(readdirSync(post.folder).filter((name) => name.includes('small'))).toEqual([]);
    const out = post.file('old.cose', 'the old content');
    expectFailure(await within(0, 'trust', 'export', '--out', out), 'DISK_FULL', 1);
    expect(readFileSync(out, 'utf8')).toBe('the old content');
    expect(readdirSync(post.folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('a post', () => {
  /** A copy to break. */
  const copy = (name: string): string => {
    const home = join(post.folder, name);
    cpSync(post.home, home, { recursive: true });
    return home;
  };

  it('that is there already is not touched, nor is a folder with something else in it', async () => {
    const home = join(post.folder, 'new');
    const key = post.file('root.key', 'an old key');
    await allRefused([
      ['POST_EXISTS', ['init', '--yes']],
      ['FILE_EXISTS', ['init', '--yes', '--home', post.folder]],
      ['FILE_UNREADABLE', ['init', '--yes', '--home', document]],
      ['FILE_EXISTS', ['init', '--yes', '--home', home, '--root-key', key]],
    ]);
  });

  it('is not made from answers that make no sense', async () => {
    const init = ['init', '--yes', '--home', join(post.folder, 'new')];
    const wrong = [
      ['--country', 'France'],
      ['--languages', 'fr,xx'],
      ['--time-zone', 'Mars/Olympus'],
      ['--city', ''],
      ['--signatory-name', ' '],
    ] as const;
    const said = await allRefused([
      ...wrong.map((pair) => ['USAGE', [...init, ...pair]] as const),
      ['USAGE', ['init', '--home', join(post.folder, 'new')]],
    ]);
    for (const [at, [option]] of [...wrong, ['--country']].entries()) expect(said[at]).toContain(option);
  });

  it('that is not there is told', async () => {
    const nowhere = ['--home', join(post.folder, 'nowhere')];
    const commands = [
      ['request', 'list'],
      ['issue', waiting],
      ['audit', 'verify'],
      ['trust', 'show'],
    ];
    await allRefused([
      ...commands.map((command) => ['POST_MISSING', [...command, ...nowhere]] as const),
      ['TRUST_MISSING', ['verify', document, ...nowhere]],
    ]);
  });

  it('whose post.toml is broken is not opened', async () => {
    const home = copy('broken');
    const settings = readFileSync(join(home, 'post.toml'), 'utf8');
    const withSettings = async (text: string, code: string): Promise<string> => {
      writeFileSync(join(home, 'post.toml'), text);
      const finished = await post.consul('request', 'list', '--home', home);
      expectFailure(finished, code, 1);
      return finished.stderr;
    };
    expect(await withSettings(`${settings}\n[[[`, 'POST_INVALID')).toMatch(/line \d+/);
    const code = settings.replace('code = "GA-PAR"', 'code = "Paris"');
    expect(await withSettings(code, 'POST_INVALID')).toContain('\n  /post/code: ');
    await withSettings(settings.replace('format = 1', 'format = 2'), 'POST_NEWER');
    rmSync(home, { recursive: true });
  });

  it('whose database a newer version has written is not opened, and left as it is', async () => {
    const home = copy('newer');
    const database = openDatabase(home);
    database.exec(`insert into kysely_migration values ('2099-01-next', '2099-01-01T00:00:00Z')`);
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
    const before = bytesOf(join(home, 'consul.db'));
    for (const argv of [
      ['request', 'list'],
      ['issue', waiting],
      ['audit', 'verify'],
    ])
      expectFailure(await post.consul(...argv, '--home', home), 'POST_NEWER', 1);
    expect(Buffer.from(bytesOf(join(home, 'consul.db'))).equals(before)).toBe(true);
    rmSync(home, { recursive: true });
  });

  it('whose database was put back to an earlier day is not opened', async () => {
    const home = copy('restored');
    const old = bytesOf(join(home, 'consul.db'));
    await post.done('request', 'assign', waiting, '--home', home);
    for (const part of ['-wal', '-shm']) rmSync(join(home, `consul.db${part}`), { force: true });
    writeFileSync(join(home, 'consul.db'), old);
    expectFailure(await post.consul('issue', waiting, '--home', home), 'POST_ROLLED_BACK', 1);
    const audit = await post.consul('audit', 'verify', '--home', home, '--json');
    expect([audit.status, JSON.parse(audit.stdout).intact]).toEqual([1, false]);
    rmSync(home, { recursive: true });
  });

  it('whose parts are damaged says which', async () => {
    const home = copy('damaged');
    const damage = async (name: string, content: string, code: string, ...argv: string[]): Promise<void> => {
      const path = join(home, name);
      const sound = bytesOf(path);
      writeFileSync(path, content);
      expectFailure(await post.consul(...argv, '--home', home), code, statusOf(code));
      writeFileSync(path, sound);
    };
    const stamp = ['timestamp', 'ask', document, '--out', join(post.folder, 'never')];
    await damage(
      'consul.db',
      'not a database, but long enough to look at it'.repeat(40),
      'FILE_UNREADABLE',
      'request',
      'list',
    );
    await damage('keys/tsa.key.pem', 'not a key', 'KEY_INVALID', ...stamp);
    await damage('certs/tsa.cert.pem', 'not a certificate', 'CERTIFICATE_INVALID', ...stamp);
    await damage('trust/bundle.cose', 'not a bundle', 'TRUST_INVALID', 'trust', 'show');
    await damage('anchor/journal', 'not a head', 'JOURNAL_BROKEN', 'request', 'list');
    rmSync(join(home, 'consul.db'));
    expectFailure(await post.consul('request', 'list', '--home', home), 'POST_MISSING', 2);
    rmSync(home, { recursive: true });
  });

  it('whose files were altered fails its audit', async () => {
    const home = copy('altered');
    const file = document.replace(post.home, home);
    writeFileSync(file, Buffer.concat([bytesOf(file), Buffer.from(' ')]));
    const { status, stdout, stderr } = await post.consul('audit', 'verify', '--home', home, '--lang', 'en');
    expect([status, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(/^✘ file PC-\S+: its file is not the one that was issued\n✘ faults: 1: /);
    rmSync(home, { recursive: true });
  });
});

describe('what is verified', () => {
  it('is refused when it is cut off anywhere', async () => {
    const bytes = bytesOf(document);
    const lengths = [
      1,
      9,
      100,
      ...Array.from({ length: 12 }, (_, i) => Math.floor((bytes.length * (i + 1)) / 13)),
    ];
    const files = [...lengths, bytes.length - 1].map((length) =>
      post.file(`cut-${length}.pdf`, bytes.subarray(0, length)),
    );
    const { status, stdout, stderr } = await post.consul('verify', ...files, '--json');
    expect(stderr).toBe('');
    for (const { indication } of JSON.parse(stdout)) expect(indication).not.toBe('TOTAL-PASSED');
    expect(status).toBe(1);
    for (const file of files.slice(3)) {
      const report = JSON.parse(stdout).find((one: { file: string }) => one.file === file);
      expect(report).toMatchObject({ subject: 'pdf', indication: 'TOTAL-FAILED' });
    }
  });

  it('and is no document is told apart from a false one', async () => {
    const nothing = [
      post.file('empty', ''),
      post.file('letter.txt', 'Dear consul,'),
      post.file('zeros', new Uint8Array(1000)),
      post.file('random', randomBytes(1000)),
      post.file('no-code.jpg', examplePiece('x', 'jpeg')),
    ];
    const { status, stdout, stderr } = await post.consul('verify', ...nothing, '--json');
    expect([stderr, stdout]).toEqual(['', expect.not.stringContaining('TOTAL-PASSED')]);
    const reports: { indication: string; subIndication: string }[] = JSON.parse(stdout);
    expect(reports.every(({ subIndication }) => subIndication)).toBe(true);
    expect(status).toBe(reports.some(({ indication }) => indication === 'TOTAL-FAILED') ? 1 : 3);
    const large = post.file('large', '');
    truncateSync(large, 65 * 1024 ** 2);
    const cut = post.file('cut.png', examplePiece('x', 'png').subarray(0, 60));
    await allRefused([
      ['FILE_UNREADABLE', ['verify', post.folder]],
      ['FILE_UNREADABLE', ['verify', join(post.folder, 'absent.pdf')]],
      ['FILE_UNREADABLE', ['verify', large]],
      ['PICTURE_UNREADABLE', ['verify', cut]],
    ]);
    rmSync(large);
  });

  it('and is a code without a seal is named as such', async () => {
    const foreign = 'https://example.org/menu';
    const picture = post.file('foreign.png', await qrcode.toBuffer(foreign, { scale: 6 }));
    const text = post.file('foreign.txt', foreign);
    for (const file of [picture, text]) {
      const { status, stdout } = await post.consul('verify', file, '--lang', 'en', '--quiet');
      expect([file, status]).toEqual([file, 3]);
      expect(stdout).toMatch(/not a consular seal .*web address/);
    }
  });

  it('against no bundle, a broken one or that of another root is not judged', async () => {
    const verify = (...options: string[]) => ['verify', document, ...options];
    const bundle = bytesOf(join(post.home, 'trust', 'bundle.cose'));
    const flipped = post.file(
      'flipped.cose',
      bundle.map((byte, at) => (at === 500 ? byte ^ 1 : byte)),
    );
    await allRefused([
      ['TRUST_MISSING', verify('--trust', join(post.folder, 'absent.cose'))],
      ['TRUST_INVALID', verify('--trust', document)],
      ['TRUST_INVALID', verify('--trust', flipped)],
      ['TRUST_INVALID', verify('--root', '00'.repeat(32))],
      ['USAGE', verify('--at', 'yesterday')],
    ]);
  });

  it('in the log or by a time-stamp is told what is broken', async () => {
    const garbage = post.file('garbage', randomBytes(300));
    await allRefused([
      ['SEAL_INVALID', ['log', 'verify', garbage]],
      ['PDF_INVALID', ['log', 'verify', post.file('cut.pdf', '%PDF-1.7\n')]],
      ['FILE_UNREADABLE', ['log', 'verify', document, '--proof', join(post.folder, 'absent')]],
      ['REQUEST_UNKNOWN', ['log', 'prove', 'PC-2026-999999']],
    ]);
    for (const argv of [
      ['timestamp', 'verify', document, garbage],
      ['log', 'verify', document, '--proof', garbage],
    ]) {
      const { status, stdout, stderr } = await post.consul(...argv);
      expect([status, `${stdout}${stderr}`.trimEnd().split('\n')]).toEqual([1, [expect.any(String)]]);
    }
  });
});

describe('a command line', () => {
  it('that makes no sense is told in one line', async () => {
    const senseless = [
      ['nonsense'],
      ['request', 'nonsense'],
      ['request', 'list', '--nonsense'],
      ['request', 'list', '--state', 'happy'],
      ['request', 'list', '--lang', 'de'],
      ['request', 'show'],
      ['issue'],
      ['issue', waiting, '--batch', document],
      ['issue', '--batch', document, '--threads', 'many'],
      ['verify'],
      ['explain', 'NONSENSE'],
    ];
    await allRefused([
      ...senseless.map((argv) => ['USAGE', argv] as const),
      ['FILE_UNREADABLE', ['issue', '--batch', join(post.folder, 'absent.jsonl')]],
      ['FILE_UNREADABLE', ['issue', '--batch', post.folder]],
    ]);
  });

  it('without a command shows what there is, on the error output', async () => {
    for (const argv of [[], ['request'], ['trust']]) {
      const { status, stdout, stderr } = await post.consul(...argv);
      expect([status, stdout, stderr]).toEqual([2, '', expect.stringMatching(/^Usage: consul/)]);
    }
  });

  it('that names a place where nothing can be written is refused', async () => {
    const places = [post.folder, join(document, 'out'), '/dev/null/out'];
    await allRefused([
      ...places.map((out) => ['FILE_UNWRITABLE', ['trust', 'export', '--out', out]] as const),
      ['FILE_UNWRITABLE', ['request', 'piece', waiting, '1', '--out', post.folder]],
      ['FILE_UNWRITABLE', ['timestamp', 'ask', document, '--out', post.folder]],
    ]);
  });

  it('with --json has its error as JSON; the stack trace comes with --debug only', async () => {
    for (const argv of [['issue', 'x'], ['request', 'show'], ['nonsense']]) {
      const { status, stdout, stderr } = await post.consul(...argv, '--json');
      const { error } = JSON.parse(stdout);
      expect(error).toEqual({
        code: expect.stringMatching(/^(USAGE|REFERENCE_INVALID)$/),
        message: expect.any(String),
        advice: expect.any(String),
        details: [],
      });
      expect([status, stderr]).toEqual([statusOf(error.code), '']);
    }
    expect((await post.consul('issue', 'x', '--debug')).stderr).toMatch(/\n\s+at /);
  });

  it('is not surprised by a reader that has seen enough', async () => {
    const script = `"${process.execPath}" "${program}" request show ${waiting} --json | head -c 1`;
    const { stdout, stderr } = await run('sh', ['-c', script], { env: { CONSUL_HOME: post.home } });
    expect([stdout, stderr]).toEqual(['{', '']);
  });
});

describe('a time-stamp authority that does not answer', () => {
  it('leaves a document pending under its number, and says so', async () => {
    const away = emptyFolder();
    try {
      await away.done('init', '--yes', '--tsa-url', 'http://127.0.0.1:1/');
      const taken = await away.json(...submission(away, 'prise-en-charge'));
      expect(taken.timestamp).toBe('pending');
      await away.done('request', 'decide', taken.reference, '--accept');
      const tries = [
        await away.consul('issue', taken.reference),
        await away.consul('issue', taken.reference),
      ];
      for (const tried of tries) expectFailure(tried, 'TSA_UNREACHABLE', 1);
      expect(tries[0]?.stderr).toBe(tries[1]?.stderr);
      expect(await away.json('request', 'show', taken.reference)).toMatchObject({ state: 'accepted' });
      expect(await away.json('audit', 'verify')).toMatchObject({ intact: true, documents: 2 });
    } finally {
      away.remove();
    }
  });
});

describe('a file of the post that cannot be opened', () => {
  it('is named', async () => {
    // Held by a folder of the same name: permissions do not hold root back.
    const home = join(post.folder, 'held');
    cpSync(post.home, home, { recursive: true });
    rmSync(join(home, 'keys', 'tsa.key.pem'));
    mkdirSync(join(home, 'keys', 'tsa.key.pem'));
    const finished = await post.consul(
      'timestamp',
      'ask',
      document,
      '--home',
      home,
      '--out',
      join(home, 'x'),
    );
    expectFailure(finished, 'FILE_UNREADABLE', 2);
    expect(finished.stderr).toContain('tsa.key.pem');
    rmSync(home, { recursive: true });
  });
});

describe('an installation for another Node.js', () => {
  /** A copy of the program whose compiled database module is not there or is not what it should be. */
  function installation(module: string | undefined): string {
    const root = join(post.folder, 'installation');
    rmSync(root, { recursive: true, force: true });
    for (const part of ['dist', 'package.json']) cpSync(shipped(part), join(root, part), { recursive: true });
    for (const part of ['templates', 'certs']) symlinkSync(shipped(part), join(root, part));
    const modules = join(root, 'node_modules');
    mkdirSync(modules);
    for (const name of readdirSync(shipped('node_modules')))
      if (name !== 'better-sqlite3') symlinkSync(shipped('node_modules', name), join(modules, name));
    const sqlite = ['node_modules', 'better-sqlite3'];
    for (const part of ['lib', 'package.json'])
      cpSync(shipped(...sqlite, part), join(root, ...sqlite, part), { recursive: true });
    if (module !== undefined) {
      mkdirSync(join(root, ...sqlite, 'build', 'Release'), { recursive: true });
      writeFileSync(join(root, ...sqlite, 'build', 'Release', 'better_sqlite3.node'), module);
    }
    return join(root, 'dist', 'consul.js');
  }

  it.each([
    ['missing', undefined],
    ['damaged', 'not a shared object'],
  ])('says what to do where the database module is %s, and still verifies', async (state, module) => {
    const copy = installation(module);
    const env = { CONSUL_HOME: post.home };
    const listed = await run(process.execPath, [copy, 'request', 'list'], { env });
    expectFailure(listed, 'INSTALLATION_INVALID', 1);
    expect(listed.stderr).toContain(process.version);
    const home = join(post.folder, 'never');
    const made = await run(process.execPath, [copy, 'init', '--yes', '--home', home], { env });
    expectFailure(made, 'INSTALLATION_INVALID', 1);
    expect(existsSync(home)).toBe(false);
    const trust = join(post.folder, `${state}.trust`);
    await post.done('trust', 'export', '--out', trust);
    const verified = await run(process.execPath, [copy, 'verify', '--trust', trust, document], { env });
    expect([verified.status, verified.stderr]).toEqual([0, '']);
  });
});
