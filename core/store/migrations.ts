import { type CreateTableBuilder, type Kysely, type Migration, Migrator, sql } from 'kysely';
import type { EngineWords } from './sqlite.ts';

/** A column may hold only these words. They stay as they were when the migration was written. */
const oneOf = (column: string, words: readonly string[]) =>
  sql<boolean>`${sql.ref(column)} in (${sql.join(words.map((word) => sql.lit(word)))})`;

/** A column holds a digest of SHA-256 where it holds anything. */
const digestLength = (column: string) => sql<boolean>`length(${sql.ref(column)}) = 32`;

function firstSchema({ integer, bytes, tableOptions }: EngineWords): Migration {
  const finish = <T extends string, C extends string>(table: CreateTableBuilder<T, C>) =>
    table.modifyEnd(sql.raw(tableOptions)).execute();

  return {
    async up(db: Kysely<unknown>) {
      const { schema } = db;
      await finish(
        schema
          .createTable('request')
          .addColumn('reference', 'text', (c) => c.primaryKey().notNull())
          .addColumn('procedure', 'text', (c) => c.notNull())
          .addColumn('procedureVersion', integer, (c) => c.notNull())
          .addColumn('language', 'text', (c) => c.notNull())
          .addColumn('state', 'text', (c) =>
            c
              .notNull()
              .check(
                oneOf('state', [
                  'submitted',
                  'incomplete',
                  'in-instruction',
                  'waiting-for-citizen',
                  'waiting-for-authority',
                  'waiting-for-appointment',
                  'accepted',
                  'refused',
                  'issued',
                  'handed-over',
                  'closed',
                  'withdrawn',
                  'expired',
                  'cancelled',
                ]),
              ),
          )
          .addColumn('data', 'text', (c) => c.notNull())
          .addColumn('holder', 'text', (c) => c.notNull())
          .addColumn('question', 'text')
          .addColumn('submittedAt', 'text', (c) => c.notNull())
          .addColumn('dueAt', 'text')
          .addColumn('remainingDays', integer)
          .addColumn('assignedTo', 'text')
          .addColumn('decision', 'text', (c) => c.check(oneOf('decision', ['accepted', 'refused'])))
          .addColumn('decisionReason', 'text')
          .addColumn('decisionGround', 'text')
          .addColumn('decisionContest', 'text')
          .addColumn('decidedAt', 'text')
          .addColumn('decidedBy', 'text')
          .addColumn('closedAt', 'text')
          .addColumn('idempotencyKey', 'text', (c) => c.unique())
          .addColumn('version', integer, (c) => c.notNull()),
      );
      await schema
        .createIndex('request_by_state')
        .on('request')
        .columns(['state', 'submittedAt', 'reference'])
        .execute();
      await schema
        .createIndex('request_by_time')
        .on('request')
        .columns(['submittedAt', 'reference'])
        .execute();

      await finish(
        schema
          .createTable('piece')
          .addColumn('reference', 'text', (c) => c.notNull().references('request.reference'))
          .addColumn('ordinal', integer, (c) => c.notNull())
          .addColumn('kind', 'text', (c) => c.notNull())
          .addColumn('item', integer)
          .addColumn('state', 'text', (c) =>
            c.notNull().check(oneOf('state', ['asked', 'received', 'accepted', 'refused', 'expired'])),
          )
          .addColumn('sha256', bytes, (c) => c.check(digestLength('sha256')))
          .addColumn('mediaType', 'text', (c) =>
            c.check(oneOf('mediaType', ['application/pdf', 'image/jpeg', 'image/png'])),
          )
          .addColumn('size', integer)
          .addColumn('name', 'text')
          .addColumn('reason', 'text')
          .addColumn('at', 'text', (c) => c.notNull())
          .addPrimaryKeyConstraint('piece_key', ['reference', 'ordinal'])
          .addCheckConstraint('piece_received', sql`(${sql.ref('sha256')} is null) = (state = 'asked')`),
      );
      await finish(
        schema
          .createTable('running')
          .addColumn('reference', 'text', (c) => c.primaryKey().notNull().references('request.reference'))
          .addColumn('procedure', 'text', (c) => c.notNull())
          .addColumn('key', 'text', (c) => c.notNull())
          .addColumn('figures', 'text', (c) => c.notNull()),
      );
      await schema.createIndex('running_by_key').on('running').columns(['procedure', 'key']).execute();

      await finish(
        schema
          .createTable('journal')
          .addColumn('seq', integer, (c) => c.primaryKey().notNull())
          .addColumn('at', 'text', (c) => c.notNull())
          .addColumn('actor', 'text', (c) => c.notNull())
          .addColumn('action', 'text', (c) => c.notNull())
          .addColumn('subject', 'text', (c) => c.notNull())
          .addColumn('detail', 'text', (c) => c.notNull())
          .addColumn('covers', 'text', (c) => c.check(oneOf('covers', ['timeline', 'object'])))
          .addColumn('digest', bytes, (c) => c.check(digestLength('digest')))
          .addColumn('previous', bytes, (c) => c.notNull().check(digestLength('previous')))
          .addColumn('hash', bytes, (c) => c.notNull().check(digestLength('hash')))
          .addCheckConstraint(
            'journal_cover',
            sql`(${sql.ref('covers')} is null) = (${sql.ref('digest')} is null)`,
          ),
      );
      await finish(
        schema
          .createTable('timeline')
          .addColumn('seq', integer, (c) => c.primaryKey().notNull().references('journal.seq'))
          .addColumn('reference', 'text', (c) => c.notNull().references('request.reference'))
          .addColumn('at', 'text', (c) => c.notNull())
          .addColumn('actor', 'text', (c) => c.notNull())
          .addColumn('kind', 'text', (c) => c.notNull())
          .addColumn('detail', 'text', (c) => c.notNull())
          .addColumn('salt', bytes, (c) => c.notNull()),
      );
      await schema.createIndex('timeline_by_request').on('timeline').columns(['reference', 'seq']).execute();

      await finish(
        schema
          .createTable('document')
          .addColumn('statusIndex', integer, (c) => c.primaryKey().notNull())
          .addColumn('number', 'text', (c) => c.notNull().unique())
          .addColumn('type', 'text', (c) => c.notNull())
          .addColumn('year', integer, (c) => c.notNull())
          .addColumn('sequence', integer, (c) => c.notNull().check(sql`sequence > 0`))
          .addColumn('reference', 'text', (c) => c.notNull().references('request.reference'))
          .addColumn('language', 'text', (c) => c.notNull())
          .addColumn('recordDigest', bytes, (c) => c.notNull().check(digestLength('recordDigest')))
          .addColumn('step', 'text', (c) =>
            c.notNull().check(oneOf('step', ['reserved', 'logged', 'issued'])),
          )
          .addColumn('seal', bytes)
          .addColumn('leafIndex', integer, (c) => c.unique().references('leaf.leafIndex'))
          .addColumn('path', 'text')
          .addColumn('sha256', bytes, (c) => c.check(digestLength('sha256')))
          .addColumn('size', integer)
          .addColumn('level', 'text', (c) => c.check(oneOf('level', ['B-B', 'B-T', 'B-LT', 'B-LTA'])))
          .addColumn('timestamp', 'text', (c) => c.check(oneOf('timestamp', ['pending', 'done'])))
          .addColumn('validFrom', 'text', (c) => c.notNull())
          .addColumn('validUntil', 'text')
          .addColumn('reservedAt', 'text', (c) => c.notNull())
          .addColumn('issuedAt', 'text')
          .addUniqueConstraint('document_sequence', ['type', 'year', 'sequence'])
          .addUniqueConstraint('document_of_request', ['reference', 'type']),
      );
      await schema
        .createIndex('document_unfinished')
        .on('document')
        .column('statusIndex')
        .where(sql.ref('step'), '<>', sql.lit('issued'))
        .execute();
      await schema
        .createIndex('document_timestamp_pending')
        .on('document')
        .column('statusIndex')
        .where(sql.ref('timestamp'), '=', sql.lit('pending'))
        .execute();
      await finish(
        schema
          .createTable('record')
          .addColumn('statusIndex', integer, (c) =>
            c.primaryKey().notNull().references('document.statusIndex'),
          )
          .addColumn('json', 'text', (c) => c.notNull()),
      );

      await finish(
        schema
          .createTable('leaf')
          .addColumn('leafIndex', integer, (c) => c.primaryKey().notNull())
          .addColumn('entry', bytes, (c) => c.notNull().check(digestLength('entry'))),
      );
      await finish(
        schema
          .createTable('counter')
          .addColumn('name', 'text', (c) => c.primaryKey().notNull())
          .addColumn('next', integer, (c) => c.notNull()),
      );
      await finish(
        schema
          .createTable('outbox')
          .addColumn('id', integer, (c) => c.primaryKey().notNull())
          .addColumn('kind', 'text', (c) => c.notNull())
          .addColumn('payload', 'text', (c) => c.notNull())
          .addColumn('createdAt', 'text', (c) => c.notNull())
          .addColumn('doneAt', 'text'),
      );
      await schema
        .createIndex('outbox_waiting')
        .on('outbox')
        .column('id')
        .where(sql.ref('doneAt'), 'is', null)
        .execute();
    },
  };
}

function revocations({ tableOptions }: EngineWords): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('revocation')
        .addColumn('number', 'text', (c) => c.primaryKey().notNull().references('document.number'))
        .addColumn('at', 'text', (c) => c.notNull())
        .addColumn('actor', 'text', (c) => c.notNull())
        .addColumn('reason', 'text', (c) => c.notNull())
        .modifyEnd(sql.raw(tableOptions))
        .execute();
    },
  };
}

function certificateRegister({ integer, bytes, tableOptions }: EngineWords): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('certificate')
        .addColumn('serial', 'text', (c) => c.primaryKey().notNull())
        .addColumn('profile', 'text', (c) => c.notNull())
        .addColumn('issuer', 'text', (c) => c.notNull())
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('der', bytes, (c) => c.notNull())
        .addColumn('notBefore', 'text', (c) => c.notNull())
        .addColumn('notAfter', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) =>
          c.notNull().check(oneOf('state', ['active', 'retired', 'revoked'])),
        )
        .addColumn('lastSigning', 'text')
        .addColumn('revokedAt', 'text')
        .addColumn('reason', 'text')
        .addColumn('compromisedSince', integer)
        .addCheckConstraint(
          'certificate_revoked',
          sql`(state = 'revoked') = (${sql.ref('revokedAt')} is not null) and (state = 'revoked') = (reason is not null)`,
        )
        .modifyEnd(sql.raw(tableOptions))
        .execute();
      await db.schema
        .createIndex('certificate_by_issuer')
        .on('certificate')
        .columns(['issuer', 'state'])
        .execute();
    },
  };
}

function digestsOfRows({ bytes, tableOptions }: EngineWords): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('rowDigest')
        .addColumn('tableName', 'text', (c) => c.notNull())
        .addColumn('rowKey', 'text', (c) => c.notNull())
        .addColumn('digest', bytes, (c) => c.notNull())
        .addPrimaryKeyConstraint('row_digest_key', ['tableName', 'rowKey'])
        .modifyEnd(sql.raw(tableOptions))
        .execute();
    },
  };
}

/** Later editions of documents, and where the editions before them are kept. */
function editions({ integer, bytes, tableOptions }: EngineWords): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('document')
        .addColumn('edition', integer, (c) => c.notNull().defaultTo(1))
        .execute();
      await db.schema
        .createTable('superseded')
        .addColumn('statusIndex', integer, (c) => c.primaryKey().notNull())
        .addColumn('number', 'text', (c) => c.notNull().references('document.number'))
        .addColumn('type', 'text', (c) => c.notNull())
        .addColumn('year', integer, (c) => c.notNull())
        .addColumn('sequence', integer, (c) => c.notNull())
        .addColumn('reference', 'text', (c) => c.notNull().references('request.reference'))
        .addColumn('language', 'text', (c) => c.notNull())
        .addColumn('recordDigest', bytes, (c) => c.notNull().check(digestLength('recordDigest')))
        .addColumn('step', 'text', (c) => c.notNull().check(oneOf('step', ['logged', 'issued'])))
        .addColumn('seal', bytes, (c) => c.notNull())
        .addColumn('leafIndex', integer, (c) => c.notNull().unique().references('leaf.leafIndex'))
        .addColumn('path', 'text')
        .addColumn('sha256', bytes, (c) => c.check(digestLength('sha256')))
        .addColumn('size', integer)
        .addColumn('level', 'text')
        .addColumn('timestamp', 'text')
        .addColumn('validFrom', 'text', (c) => c.notNull())
        .addColumn('validUntil', 'text')
        .addColumn('reservedAt', 'text', (c) => c.notNull())
        .addColumn('issuedAt', 'text')
        .addColumn('edition', integer, (c) => c.notNull())
        .addColumn('record', 'text', (c) => c.notNull())
        .addColumn('supersededAt', 'text', (c) => c.notNull())
        .addUniqueConstraint('superseded_edition', ['number', 'edition'])
        .modifyEnd(sql.raw(tableOptions))
        .execute();
    },
  };
}

/** Until when the newest time-stamp of a file proves its time by itself: documents are renewed before. */
const ageOfTimestamps: Migration = {
  async up(db: Kysely<unknown>) {
    for (const table of ['document', 'superseded'])
      await db.schema.alterTable(table).addColumn('lastsUntil', 'text').execute();
  },
};

/** In code and not in files, so that they travel inside a single executable. Names sort in the order of time. */
const migrations = (words: EngineWords): Record<string, Migration> => ({
  '2026-11-first-schema': firstSchema(words),
  '2026-11-register-of-certificates': certificateRegister(words),
  '2026-11-revocations': revocations(words),
  '2026-11-row-digests': digestsOfRows(words),
  '2026-11-s-editions': editions(words),
  '2026-11-t-age-of-timestamps': ageOfTimestamps,
});

/** Which of `applied` this program does not know, and whether it knows any that are not applied. */
export function compareMigrations(applied: readonly string[], words: EngineWords) {
  const known = Object.keys(migrations(words));
  return {
    unknown: applied.filter((name) => !known.includes(name)),
    pending: known.some((name) => !applied.includes(name)),
  };
}

/** Brings the database to the newest schema in one transaction; another process that does the same waits. */
export async function migrate<T>(db: Kysely<T>, words: EngineWords): Promise<void> {
  const provider = { getMigrations: async () => migrations(words) };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error) throw error;
}
