-- The tables of WordPress and WooCommerce that a shop is in, as WooCommerce 10 has them.
set names utf8mb4;
set sql_mode = '';
create table wp_options (
  option_id bigint unsigned not null auto_increment primary key,
  option_name varchar(191) not null default '' unique,
  option_value longtext not null,
  autoload varchar(20) not null default 'yes'
) engine=InnoDB default charset=utf8mb4;
create table wp_users (
  ID bigint unsigned not null auto_increment primary key,
  user_login varchar(60) not null default '',
  user_pass varchar(255) not null default '',
  user_nicename varchar(50) not null default '',
  user_email varchar(100) not null default '',
  user_url varchar(100) not null default '',
  user_registered datetime not null default '0000-00-00 00:00:00',
  user_activation_key varchar(255) not null default '',
  user_status int not null default 0,
  display_name varchar(250) not null default '',
  key user_email (user_email)
) engine=InnoDB default charset=utf8mb4;
create table wp_usermeta (
  umeta_id bigint unsigned not null auto_increment primary key,
  user_id bigint unsigned not null default 0,
  meta_key varchar(255),
  meta_value longtext,
  key user_id (user_id),
  key meta_key (meta_key(191))
) engine=InnoDB default charset=utf8mb4;
create table wp_posts (
  ID bigint unsigned not null auto_increment primary key,
  post_author bigint unsigned not null default 0,
  post_date datetime not null default '0000-00-00 00:00:00',
  post_date_gmt datetime not null default '0000-00-00 00:00:00',
  post_content longtext not null default '',
  post_title text not null default '',
  post_excerpt text not null default '',
  post_status varchar(20) not null default 'publish',
  post_name varchar(200) not null default '',
  post_modified datetime not null default '0000-00-00 00:00:00',
  post_modified_gmt datetime not null default '0000-00-00 00:00:00',
  post_parent bigint unsigned not null default 0,
  menu_order int not null default 0,
  post_type varchar(20) not null default 'post',
  key type_status_date (post_type, post_status, post_date, ID),
  key post_parent (post_parent)
) engine=InnoDB default charset=utf8mb4;
create table wp_postmeta (
  meta_id bigint unsigned not null auto_increment primary key,
  post_id bigint unsigned not null default 0,
  meta_key varchar(255),
  meta_value longtext,
  key post_id (post_id),
  key meta_key (meta_key(191))
) engine=InnoDB default charset=utf8mb4;
create table wp_terms (
  term_id bigint unsigned not null auto_increment primary key,
  name varchar(200) not null default '',
  slug varchar(200) not null default '',
  term_group bigint not null default 0
) engine=InnoDB default charset=utf8mb4;
create table wp_term_taxonomy (
  term_taxonomy_id bigint unsigned not null auto_increment primary key,
  term_id bigint unsigned not null default 0,
  taxonomy varchar(32) not null default '',
  description longtext not null default '',
  parent bigint unsigned not null default 0,
  count bigint not null default 0,
  unique key term_id_taxonomy (term_id, taxonomy),
  key taxonomy (taxonomy)
) engine=InnoDB default charset=utf8mb4;
create table wp_term_relationships (
  object_id bigint unsigned not null default 0,
  term_taxonomy_id bigint unsigned not null default 0,
  term_order int not null default 0,
  primary key (object_id, term_taxonomy_id),
  key term_taxonomy_id (term_taxonomy_id)
) engine=InnoDB default charset=utf8mb4;
create table wp_woocommerce_attribute_taxonomies (
  attribute_id bigint unsigned not null auto_increment primary key,
  attribute_name varchar(200) not null,
  attribute_label varchar(200),
  attribute_type varchar(20) not null,
  attribute_orderby varchar(20) not null,
  attribute_public int not null default 1
) engine=InnoDB default charset=utf8mb4;
create table wp_woocommerce_order_items (
  order_item_id bigint unsigned not null auto_increment primary key,
  order_item_name text not null,
  order_item_type varchar(200) not null default '',
  order_id bigint unsigned not null,
  key order_id (order_id)
) engine=InnoDB default charset=utf8mb4;
create table wp_woocommerce_order_itemmeta (
  meta_id bigint unsigned not null auto_increment primary key,
  order_item_id bigint unsigned not null,
  meta_key varchar(255),
  meta_value longtext,
  key order_item_id (order_item_id),
  key meta_key (meta_key(32))
) engine=InnoDB default charset=utf8mb4;
create table wp_wc_orders (
  id bigint unsigned primary key,
  status varchar(20),
  currency varchar(10),
  type varchar(20),
  tax_amount decimal(26,8),
  total_amount decimal(26,8),
  customer_id bigint unsigned,
  billing_email varchar(320),
  date_created_gmt datetime,
  date_updated_gmt datetime,
  parent_order_id bigint unsigned,
  payment_method varchar(100),
  payment_method_title text,
  transaction_id varchar(100),
  ip_address varchar(100),
  user_agent text,
  customer_note text,
  key date_created (date_created_gmt),
  key type_status_date (type, status, date_created_gmt),
  key parent_order_id (parent_order_id)
) engine=InnoDB default charset=utf8mb4;
create table wp_wc_order_addresses (
  id bigint unsigned auto_increment primary key,
  order_id bigint unsigned not null,
  address_type varchar(20),
  first_name text,
  last_name text,
  company text,
  address_1 text,
  address_2 text,
  city text,
  state text,
  postcode text,
  country text,
  email varchar(320),
  phone varchar(100),
  key order_id (order_id),
  unique key address_type_order_id (address_type, order_id)
) engine=InnoDB default charset=utf8mb4;
create table wp_wc_order_operational_data (
  id bigint unsigned auto_increment primary key,
  order_id bigint unsigned,
  created_via varchar(100),
  woocommerce_version varchar(20),
  prices_include_tax tinyint,
  date_paid_gmt datetime,
  date_completed_gmt datetime,
  shipping_tax_amount decimal(26,8),
  shipping_total_amount decimal(26,8),
  discount_tax_amount decimal(26,8),
  discount_total_amount decimal(26,8),
  unique key order_id (order_id)
) engine=InnoDB default charset=utf8mb4;
create table wp_wc_orders_meta (
  id bigint unsigned auto_increment primary key,
  order_id bigint unsigned,
  meta_key varchar(255),
  meta_value text,
  key order_id_meta_key (order_id, meta_key(100))
) engine=InnoDB default charset=utf8mb4;
