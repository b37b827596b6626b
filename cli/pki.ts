import { join } from 'node:path';
import { Option } from 'commander';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import {
  certifyAgent,
  foundingActs,
  issueAgent,
  issueResponder,
  type PkiContext,
  type Replacement,
  type RootSession,
  readTrust,
  replaceSigners,
  revoke as revokeIn,
  switchTo,
  underAuthority,
  waitingNames,
} from '../core/issuance/certificates.ts';
import { actOnCompromise, assessCompromise } from '../core/issuance/compromise.ts';
import { rotateLogKey } from '../core/issuance/log-rotation.ts';
import { postResponder, publishAnswers, publishLists } from '../core/issuance/revocation-lists.ts';
import { certificatePem } from '../core/pki/ceremony.ts';
import { openCeremonyRecord } from '../core/pki/ceremony-record.ts';
import { parseCertificate } from '../core/pki/certificate.ts';
import { allCertificates, serialText } from '../core/store/certificate.ts';
import { openNamedKey } from '../core/store/named-key.ts';
import { readCertificateFile, type SignerName, signerNames } from '../core/store/pki-folder.ts';
import { shownName } from '../core/verify/trust.ts';
import { readInput } from './input-file.ts';
import { type CommonOptions, messageLanguage, printJson } from './outcome.ts';
import { writeOutput } from './output-file.ts';
import { type Recorded, recordText, withPki, withRoot, withRootIfNamed } from './pki-root.ts';
import { newCommand, run, withKeyOptions } from './program.ts';
import { type RootOptions, withRootOptions } from './root-options.ts';
import { type AgentKeyOptions, agentSecrets, newAgentPassphrase, withAgentKeyOptions } from './secrets.ts';
import { clockTime, say } from './words.ts';

const day = (time: string | Date): string => clockTime(time).slice(0, 10);
const maxRecord = 1024 * 1024;

/** Lines for people, or one JSON document. */
function tell(options: CommonOptions, json: unknown, lines: readonly string[]): void {
  if (options.json) printJson(json);
  else if (!options.quiet) process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

const keptLines = (options: CommonOptions, recorded: Recorded | undefined): readonly string[] =>
  recorded ? [say(messageLanguage(options), 'pki.record.kept', { file: recorded.file })] : [];

const recordJson = (recorded: Recorded | undefined) => (recorded ? { record: recorded.file } : {});

const list = (options: CommonOptions): Promise<void> =>
  withPki(options, async ({ post }) => {
    const rows = await allCertificates(post.store.read);
    const language = messageLanguage(options);
    const width = Math.max(...rows.map(({ profile }) => profile.length));
    tell(
      options,
      rows.map(({ der, ...row }) => ({ ...row, pem: certificatePem(der) })),
      rows.map(({ serial, profile, der, state, notAfter, reason }) =>
        [
          serial,
          profile.padEnd(width),
          say(language, `pki.${state}`) + (reason ? ` (${reason})` : ''),
          say(language, 'pki.until', { day: day(notAfter) }),
          shownName(parseCertificate(der)),
        ].join('  '),
      ),
    );
  });

const issued = (options: CommonOptions, der: Uint8Array): string => {
  const certificate = parseCertificate(der);
  const { serial, notAfter } = certificate;
  const values = { serial: serialText(serial), subject: shownName(certificate), day: day(notAfter) };
  return say(messageLanguage(options), 'pki.issued', values);
};

interface IssueOptions extends AgentKeyOptions {
  name?: string;
  out?: string;
  key?: string;
}

const issue = (profile: string, options: IssueOptions): Promise<void> =>
  withPki(options, async (context) => {
    if (profile === 'ocsp') {
      const certificate = await issueResponder(context);
      const serial = serialText(parseCertificate(certificate).serial);
      return tell(options, { profile, serial }, [issued(options, certificate)]);
    }
    if (profile !== 'agent')
      throw new ConsulError('USAGE', `${profile} is not issued by itself: agent or ocsp`);
    if (!options.name || !options.out)
      throw new ConsulError('USAGE', 'a certificate of an agent needs --name and a folder with --out');
    if (options.key !== undefined) {
      const certificate = await certifyAgent(
        context,
        options.name,
        await openNamedKey(options.key, 'of the agent', agentSecrets(options)),
      );
      const serial = serialText(parseCertificate(certificate).serial);
      await writeOutput(join(options.out, `${serial}.cert.pem`), certificatePem(certificate));
      return tell(options, { profile, serial, key: options.key }, [issued(options, certificate)]);
    }
    const passphrase = await newAgentPassphrase(options);
    const { certificate, keyPem } = await issueAgent(context, options.name, passphrase);
    const serial = serialText(parseCertificate(certificate).serial);
    const file = join(options.out, `${serial}.key.pem`);
    await writeOutput(file, keyPem, { mode: 0o600 });
    await writeOutput(join(options.out, `${serial}.cert.pem`), certificatePem(certificate));
    tell(options, { profile, serial, key: file }, [
      issued(options, certificate),
      say(messageLanguage(options), 'pki.key', { file }),
    ]);
  });

function signerName(text: string): SignerName {
  const name = signerNames.find((one) => one === text);
  if (!name) throw new ConsulError('USAGE', `there is no signer ${text}: ${signerNames.join(', ')}`);
  return name;
}

const count = (text: string, most: number): number => {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number > most)
    throw new ConsulError('USAGE', `${text} is not a whole number from 0 to ${most}`);
  return number;
};

async function tellReplaced(
  context: PkiContext,
  options: RootOptions,
  replaced: readonly Replacement[],
  recorded: Recorded | undefined,
  overlapDays: number,
): Promise<void> {
  const language = messageLanguage(options);
  const { sequence } = await readTrust(context);
  const ends = new Date(context.clock().getTime() + overlapDays * 86_400_000);
  const shown = replaced.map(({ name, certificate }) => {
    const { serial, notAfter } = parseCertificate(certificate);
    return { name, serial: serialText(serial), notAfter: notAfter.toISOString() };
  });
  tell(options, { replaced: shown, waits: overlapDays > 0, trust: sequence, ...recordJson(recorded) }, [
    ...shown.map(({ name, serial, notAfter }) =>
      overlapDays > 0
        ? say(language, 'pki.waits', { name, day: day(ends) })
        : say(language, 'pki.replaced', { name, serial, day: day(notAfter) }),
    ),
    ...(recorded ? [say(language, 'pki.distribute', { sequence, file: context.post.paths.trust })] : []),
    ...keptLines(options, recorded),
  ]);
}

/** The log has a key and no certificate; its newest checkpoint is signed by the old and the new one. */
async function rotateLog(context: PkiContext, options: RootOptions, overlapDays: number): Promise<void> {
  if (overlapDays > 0) throw new ConsulError('USAGE', 'the key of the log is replaced at once: no --overlap');
  const { result: bundle, recorded } = await withRoot(context, options, (root) =>
    rotateLogKey(context, root),
  );
  const { sequence, logs } = bundle;
  const language = messageLanguage(options);
  const key = logs.find(({ post }) => post === context.post.settings.post.code)?.key ?? '';
  tell(options, { replaced: [{ name: 'log', key }], trust: sequence, ...recordJson(recorded) }, [
    say(language, 'pki.logRotated', { key }),
    say(language, 'pki.distribute', { sequence, file: context.post.paths.trust }),
    ...keptLines(options, recorded),
  ]);
}

/** A new certificate, for the same key or a new one; a new key of the authority needs new certificates below it. */
const replace = (kind: 'renew' | 'rotate') => (text: string, options: RootOptions & { overlap?: string }) =>
  withPki(options, async (context) => {
    const overlapDays = count(options.overlap ?? '0', 366);
    const rotate = kind === 'rotate';
    if (rotate && text === 'log') return rotateLog(context, options, overlapDays);
    const name = signerName(text);
    const names = rotate && name === 'issuing-ca' ? await underAuthority(context) : [name];
    const within = name === 'ocsp' ? withRootIfNamed : withRoot;
    const { result, recorded } = await within(context, options, (root?: RootSession) =>
      replaceSigners(context, root, { names, newKeys: rotate ? [name] : [], overlapDays }),
    );
    await tellReplaced(context, options, result, recorded, overlapDays);
  });

const switchOver = (text: string | undefined, options: CommonOptions): Promise<void> =>
  withPki(options, async (context) => {
    const language = messageLanguage(options);
    const names = text === undefined ? await waitingNames(context) : [signerName(text)];
    for (const name of names) await switchTo(context, name);
    const lines = names.map((name) => say(language, 'pki.switched', { name }));
    tell(options, { switched: names }, lines.length > 0 ? lines : [say(language, 'pki.nothingWaits')]);
  });

const reasons = [
  'unspecified',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
] as const;

const revoke = (
  serial: string,
  options: CommonOptions & { reason: (typeof reasons)[number] },
): Promise<void> =>
  withPki(options, async (context) => {
    const row = await revokeIn(context, serial, options.reason);
    const lists = await publishLists(context);
    await publishAnswers(context);
    const { reason, revokedAt } = row;
    tell(options, { serial: row.serial, reason, revokedAt, lists: lists.map(({ file }) => file) }, [
      say(messageLanguage(options), 'pki.revokedNow', { serial: row.serial, reason: options.reason }),
    ]);
  });

const crl = (options: RootOptions & { days?: string }): Promise<void> =>
  withPki(options, async (context) => {
    const language = messageLanguage(options);
    const days = options.days === undefined ? undefined : count(options.days, 366);
    const { result: lists, recorded } = await withRootIfNamed(context, options, (root) =>
      publishLists(context, root, days),
    );
    tell(options, { lists, ...recordJson(recorded) }, [
      ...lists.map(({ file, number, entries, nextUpdate }) =>
        say(language, 'pki.list', { file, number, entries, day: day(nextUpdate) }),
      ),
      ...(options.rootKey === undefined ? [say(language, 'pki.rootList')] : []),
      ...keptLines(options, recorded),
    ]);
  });

const ocsp = (options: CommonOptions & { days?: string; request?: string; out?: string }): Promise<void> =>
  withPki(options, async (context) => {
    const days = options.days === undefined ? undefined : count(options.days, 366);
    const missing = () =>
      new ConsulError('CERTIFICATE_UNKNOWN', 'the post has no OCSP responder: issue one first');
    if (options.request !== undefined) {
      const respond = await postResponder(context, days);
      if (!respond) throw missing();
      if (options.out === undefined)
        throw new ConsulError('USAGE', 'an answer is binary: name a file for it with --out');
      await writeOutput(options.out, await respond(await readInput(options.request, maxRecord)));
      return tell(options, { answer: options.out }, [options.out]);
    }
    const answers = await publishAnswers(context, days);
    if (answers === undefined) throw missing();
    const folder = join(context.post.paths.public, 'ocsp');
    tell(options, { answers, folder }, [
      say(messageLanguage(options), 'pki.answers', { count: answers, folder }),
    ]);
  });

function pastTime(text: string): Date {
  const since = new Date(text);
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(since.getTime()) || since > new Date())
    throw new ConsulError(
      'USAGE',
      `${text} is not a past day or time, such as 2026-11-24 or 2026-11-24T10:00:00Z`,
    );
  return since;
}

const compromised = (serial: string, options: RootOptions & { since: string }): Promise<void> =>
  withPki(options, async (context) => {
    const language = messageLanguage(options);
    const since = pastTime(options.since);
    const found = await assessCompromise(context, serial, since);
    const { result: replaced, recorded } = await withRootIfNamed(context, options, async (root) => {
      if (!root) return undefined;
      const done = await actOnCompromise(context, root, found, since);
      await publishLists(context, root);
      await publishAnswers(context);
      return done;
    });
    const { certificate, documents, index } = found;
    const { serial: number, der } = certificate;
    const subject = shownName(parseCertificate(der));
    const values = { serial: number, subject, day: day(since), count: documents.length, index };
    tell(
      options,
      {
        serial: number,
        since: since.toISOString(),
        compromisedSince: index,
        documents,
        acted: replaced !== undefined,
        ...(replaced ? { replaced: replaced.map(({ name }) => name) } : {}),
        ...recordJson(recorded),
      },
      [
        say(language, 'pki.drill', values),
        ...documents.map((document) => `  ${document.number}  ${document.reference}`),
        say(language, replaced ? 'pki.drillDone' : 'pki.drillOnly', { serial: number }),
        ...keptLines(options, recorded),
      ],
    );
  });

const ceremony = (options: RootOptions & { verify?: string }): Promise<void> =>
  withPki(options, async (context) => {
    const language = messageLanguage(options);
    if (options.verify !== undefined) {
      const root = await readCertificateFile(context.paths.certificate('root'));
      if (!root) throw new ConsulError('CERTIFICATE_UNKNOWN', 'the post has no root certificate');
      const record = await openCeremonyRecord(await readInput(options.verify, maxRecord), root, nodeBackend);
      return tell(options, record, [recordText(record, language), say(language, 'pki.record.genuine')]);
    }
    const { recorded } = await withRoot(context, options, (root) => foundingActs(context, root));
    if (recorded)
      tell(options, { ...recorded.record, file: recorded.file }, [
        recordText(recorded.record, language),
        ...keptLines(options, recorded),
      ]);
  });

export async function main(argv: readonly string[]): Promise<void> {
  const command = newCommand(
    'consul pki',
    'The certificates of a post: issue, renew, rotate, revoke, publish',
  );
  withKeyOptions(command.command('list').description('Lists every certificate that was issued')).action(list);
  withAgentKeyOptions(
    withKeyOptions(command.command('issue').description('Issues a certificate to an agent, or for OCSP')),
  )
    .argument('<profile>', 'agent or ocsp')
    .option('--name <name>', 'name of the agent')
    .option('--key <key>', 'certify a key that the agent has: a file, or the URI of one in a token')
    .option('--out <folder>', 'where to write the certificate and key of the agent')
    .action(issue);
  withRootOptions(command.command('renew').description('Gives a signer a new certificate for the same key'))
    .argument('<signer>', signerNames.join(', '))
    .action(replace('renew'));
  withRootOptions(command.command('rotate').description('Gives a signer, or the log, a new key'))
    .argument('<signer>', [...signerNames, 'log'].join(', '))
    .option('--overlap <days>', 'days during which the old key goes on signing, until `switch`', '0')
    .action(replace('rotate'));
  withKeyOptions(command.command('switch').description('Puts new certificates that wait in their places'))
    .argument('[signer]', signerNames.join(', '))
    .action(switchOver);
  withKeyOptions(command.command('revoke').description('Revokes a certificate that is not in use'))
    .argument('<serial>')
    .addOption(new Option('--reason <reason>', 'why').choices(reasons).makeOptionMandatory())
    .action(revoke);
  withRootOptions(command.command('crl').description('Signs and publishes the revocation lists'))
    .option('--days <number>', 'how long they may be relied on')
    .action(crl);
  withKeyOptions(command.command('ocsp').description('Publishes OCSP answers, or answers one request'))
    .option('--days <number>', 'how long an answer holds')
    .option('--request <file>', 'a DER request to answer')
    .option('--out <file>', 'where to write the answer')
    .action(ocsp);
  withRootOptions(
    command
      .command('compromised')
      .description('Says which documents a lost key concerns; acts with the root key'),
  )
    .argument('<serial>')
    .requiredOption('--since <time>', 'since when the key may have been in other hands')
    .action(compromised);
  withKeyOptions(
    command
      .command('reseal')
      .description('Seals and signs again every document that a compromised key concerns'),
  )
    .argument('<serial>', 'of the certificate that was reported as compromised')
    .action(async (serial: string, options: CommonOptions) =>
      (await import('./reseal.ts')).reseal(serial, options),
    );
  withRootOptions(
    command.command('ceremony').description('Writes the signed record of what the root stands behind'),
  )
    .option('--verify <file>', 'check a record instead')
    .action(ceremony);
  await run(command, argv);
}
