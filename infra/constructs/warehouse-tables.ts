import { Stack } from 'aws-cdk-lib';
import * as glue from 'aws-cdk-lib/aws-glue';
import { Construct } from 'constructs';
import { columnsOf, type Kind, type TableName, tableNames, tables } from '../../lib/analytics/warehouse/model.ts';
import { pascal, warehouseDatabaseOf } from './names.ts';

const types: Record<Kind, string> = {
  text: 'string',
  bigint: 'bigint',
  integer: 'int',
  timestamp: 'timestamp',
  date: 'date',
  boolean: 'boolean',
};

/** Rows of before are not in Athena's tables. */
const firstMonth = '2000-01';

/**
 * The tables of the warehouse for Athena, from the model that loads write by. A table has the column `state`, which every query must
 * give a value: the number of a load, or `newest`. From it and the month Athena makes the name of a text in the bucket that says
 * which file has the rows; so no load changes a table, and a query sees one state (ADR 105).
 */
export class WarehouseTables extends Construct {
  constructor(scope: Construct, id: string, { stage, bucket }: { stage: string; bucket: string }) {
    super(scope, id);
    const name = warehouseDatabaseOf(stage);
    const database = new glue.CfnDatabase(this, 'Database', {
      catalogId: Stack.of(this).account,
      databaseInput: { name, description: `The warehouse of counterfoil ${stage}` },
    });
    for (const table of tableNames) this.table(table, bucket, name).addResourceDependency(database);
  }

  private table(name: TableName, bucket: string, databaseName: string): glue.CfnTable {
    const { what, byMonth } = tables[name];
    const folder = `s3://${bucket}/links`;
    return new glue.CfnTable(this, pascal(name.replaceAll('_', '-')), {
      catalogId: Stack.of(this).account,
      databaseName,
      tableInput: {
        name,
        description: what,
        tableType: 'EXTERNAL_TABLE',
        partitionKeys: ['state', ...(byMonth ? ['month'] : [])].map((key) => ({ name: key, type: 'string' })),
        parameters: {
          EXTERNAL: 'TRUE',
          classification: 'parquet',
          'projection.enabled': 'true',
          'projection.state.type': 'injected',
          ...(byMonth
            ? {
                'projection.month.type': 'date',
                'projection.month.format': 'yyyy-MM',
                'projection.month.range': `${firstMonth},NOW+1MONTHS`,
                'projection.month.interval': '1',
                'projection.month.interval.unit': 'MONTHS',
              }
            : {}),
          // Athena fills these in, not CloudFormation.
          'storage.location.template': `${folder}/\${state}/${name}/${byMonth ? `month=\${month}/` : ''}`,
        },
        storageDescriptor: {
          columns: columnsOf(name).map(([column, { kind, means }]) => ({
            name: column,
            type: types[kind],
            comment: plain(means),
          })),
          location: `${folder}/`,
          inputFormat: 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat',
          outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
          serdeInfo: {
            serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
            parameters: { 'serialization.format': '1' },
          },
        },
      },
    });
  }
}

/** Glue takes comments of at most 255 characters, and of ASCII alone. */
const plain = (text: string): string =>
  text
    .replaceAll('’', "'")
    .replaceAll('`', '')
    .replace(/[^ -~]/g, '-')
    .slice(0, 255);
