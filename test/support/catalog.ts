import type { Sql } from 'postgres';

/**
 * Everything that migrations create, as sorted lines of text: schemas, relations, columns, constraints, indexes, triggers,
 * functions, views, domains, grants, roles with their settings. Two databases with the same lines have the same schema.
 */
export async function describeCatalog(sql: Sql): Promise<string[]> {
  const rows = await sql.unsafe(`
    with ours as (
      select oid, nspname, nspacl, nspowner from pg_namespace
      where nspname !~ '^pg_' and nspname not in ('information_schema', 'migrations')
    ),
    roles as (
      select * from pg_roles where rolname !~ '^pg_' and rolname <> 'rdsadmin'
    )
    select format('schema %s owner %s', nspname, nspowner::regrole) as line from ours
    union all
    select format('schema %s grant %s', nspname, acl) from ours, unnest(coalesce(nspacl, acldefault('n', nspowner))) acl
    union all
    select format('database grant %s', acl) from pg_database, unnest(coalesce(datacl, acldefault('d', datdba))) acl where datname = current_database()
    union all
    select format('%s %s owner %s options %s', relkind, c.oid::regclass, relowner::regrole, reloptions)
    from pg_class c join ours n on n.oid = relnamespace
    union all
    select format('%s grant %s', c.oid::regclass, acl)
    from pg_class c join ours n on n.oid = relnamespace, unnest(coalesce(relacl, acldefault('r', relowner))) acl
    where relkind in ('r', 'v', 'm', 'p')
    union all
    select format('%s column %s %s %s %s %s', attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod),
      case when attcollation <> 0 then attcollation::regcollation::text end,
      concat_ws(' ', case when attnotnull then 'not null' end, pg_get_expr(adbin, adrelid)))
    from pg_attribute a join pg_class c on c.oid = attrelid join ours n on n.oid = relnamespace
    left join pg_attrdef d on adrelid = attrelid and adnum = attnum
    where attnum > 0 and not attisdropped and relkind in ('r', 'v', 'm', 'p')
    union all
    select format('%s column %s grant %s', attrelid::regclass, attname, acl)
    from pg_attribute a join pg_class c on c.oid = attrelid join ours n on n.oid = relnamespace, unnest(attacl) acl
    union all
    select format('%s constraint %s %s', coalesce(nullif(conrelid, 0)::regclass::text, contypid::regtype::text), conname,
      pg_get_constraintdef(k.oid))
    from pg_constraint k join ours n on n.oid = connamespace
    union all
    select pg_get_indexdef(indexrelid) from pg_index join pg_class c on c.oid = indexrelid
    join ours n on n.oid = relnamespace
    union all
    select pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = tgrelid
    join ours n on n.oid = relnamespace where not tgisinternal
    union all
    select concat_ws(' ', pg_get_functiondef(p.oid), proowner::regrole, coalesce(proacl, acldefault('f', proowner))) from pg_proc p
    join ours n on n.oid = pronamespace
    union all
    select format('%s as %s', c.oid::regclass, pg_get_viewdef(c.oid)) from pg_class c join ours n on n.oid = relnamespace
    where relkind in ('v', 'm')
    union all
    select format('type %s of %s %s %s', t.oid::regtype, typbasetype::regtype, typnotnull, coalesce(typacl, acldefault('T', typowner)))
    from pg_type t join ours n on n.oid = typnamespace where typtype in ('d', 'e')
    union all
    select format('role %s login %s super %s createrole %s createdb %s bypass %s inherits %s', rolname, rolcanlogin,
      rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolinherit) from roles
    union all
    select format('role %s member of %s admin %s', member::regrole, roleid::regrole, admin_option) from pg_auth_members
    where member in (select oid from roles)
    union all
    select format('role %s sets %s', setrole::regrole, setting) from pg_db_role_setting, unnest(setconfig) setting
    where setrole in (select oid from roles)
    order by line`);
  return rows.map(({ line }) => line as string);
}
