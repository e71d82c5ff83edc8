import { ArnFormat, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { type DatabaseRole, databaseRoles } from '../../lib/contract/deploy/roles.ts';
import type { Profile } from '../profiles.ts';
import { defaultPort, type BroughtDatabase as Settings } from '../settings-brought.ts';
import type { StageDatabase } from './database.ts';
import { pascal } from './names.ts';

/**
 * A database that the shop has. Roles log in to it by IAM, or by passwords: each role has a secret of its own, which the functions of
 * that role may read and nobody else, and which the migrations set.
 */
export class BroughtDatabase extends Construct implements StageDatabase {
  readonly host: string;
  readonly environment: Record<string, string>;
  readonly readerEnvironment: Record<string, string>;
  readonly migrating: StageDatabase['migrating'];
  readonly cluster = undefined;
  readonly proxy = undefined;
  readonly reader = undefined;
  readonly #login: Settings['login'];
  /** What the names of the roles' secrets begin with. */
  readonly #secrets: string;

  constructor(
    scope: Construct,
    id: string,
    { profile, database, key }: { profile: Profile; database: Settings; key: kms.IKey | undefined },
  ) {
    super(scope, id);
    const { host, port, reader, name, login } = database;
    this.host = host;
    this.#login = login;
    this.#secrets = `counterfoil/${profile.stage}/database`;
    const byPassword = 'secretArn' in login;
    this.environment = {
      DATABASE_HOST: host,
      DATABASE_NAME: name,
      ...(port === defaultPort ? {} : { DATABASE_PORT: String(port) }),
      // The authority of RDS, which Node.js does not know and Lambda has a file of. Amazon's own has signed proxies.
      ...(byPassword || !login.resource.startsWith('prx-') ? { NODE_EXTRA_CA_CERTS: '/var/runtime/ca-cert.pem' } : {}),
      ...(byPassword ? { DATABASE_SECRETS: this.#secrets } : {}),
    };
    this.readerEnvironment = reader === undefined ? {} : { DATABASE_READER_HOST: reader };
    if (!byPassword) return;
    for (const role of databaseRoles) this.#secret(role, profile, key);
    const resources = [login.secretArn, ...databaseRoles.map((role) => this.#secretArn(role))];
    this.migrating = {
      environment: { DATABASE_ADMIN_SECRET_ARN: login.secretArn },
      statements: [new iam.PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources })],
    };
  }

  login(role: DatabaseRole): { action: string; resource: string } {
    if ('secretArn' in this.#login) return { action: 'secretsmanager:GetSecretValue', resource: this.#secretArn(role) };
    const resource = Stack.of(this).formatArn({
      service: 'rds-db',
      resource: 'dbuser',
      resourceName: `${this.#login.resource}/${role}`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    return { action: 'rds-db:connect', resource };
  }

  #secret(role: DatabaseRole, { keeps }: Profile, key: kms.IKey | undefined): void {
    const secret = new secretsmanager.CfnSecret(this, pascal(role.replaceAll('_', '-')), {
      name: `${this.#secrets}/${role}`,
      description: `The password of ${role} in the database of the shop`,
      generateSecretString: { passwordLength: 40, excludePunctuation: true },
      ...(key === undefined ? {} : { kmsKeyId: key.keyArn }),
    });
    secret.applyRemovalPolicy(keeps ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY);
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'The migrations set what the secret says. docs/deploy.md says how to change one.',
    });
  }

  /** Secrets Manager adds six characters to a name. */
  #secretArn(role: DatabaseRole): string {
    return Stack.of(this).formatArn({
      service: 'secretsmanager',
      resource: 'secret',
      resourceName: `${this.#secrets}/${role}-??????`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }
}
