/**
 * The functions in the schema `basalt` that compiled expressions and the indexes that collections declare
 * are made of. The schema exists already; running this again changes nothing.
 *
 * `key` maps a JSON value to text whose order by code point is the order of `sortKey` in TypeScript; its result
 * must be read with COLLATE "C". Measured against the same body as an SQL function, which the planner inlines in
 * the query and in the definitions of all indexes: a call costs the same 1.2 µs, a list of 20 that isn't prepared
 * 0.4 ms instead of 1.2 ms, because the planner has less to read; prepared, there is no difference.
 */
export const queryFunctionsSql = `
CREATE OR REPLACE FUNCTION basalt.key(value jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 20 AS $$
BEGIN
  RETURN CASE jsonb_typeof(value)
    WHEN 'string' THEN 's' || (value #>> '{}')
    WHEN 'number' THEN CASE
      WHEN value >= '0'::jsonb THEN 'n' || encode(float8send(value::float8), 'hex')
      ELSE 'm' || translate(encode(float8send(value::float8), 'hex'), '0123456789abcdef', 'fedcba9876543210')
    END
    WHEN 'boolean' THEN CASE WHEN value::boolean THEN 'b1' ELSE 'b0' END
    WHEN 'array' THEN 'y'
    WHEN 'object' THEN 'z'
    ELSE ' '
  END;
END
$$;

CREATE OR REPLACE FUNCTION basalt.comparable(a jsonb, b jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT jsonb_typeof(a) = jsonb_typeof(b) AND jsonb_typeof(a) IN ('boolean', 'number', 'string')
$$;

CREATE OR REPLACE FUNCTION basalt.text(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_typeof(value) = 'string' THEN value #>> '{}' END
$$;

CREATE OR REPLACE FUNCTION basalt.number(value jsonb) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN value::float8 END
$$;

CREATE OR REPLACE FUNCTION basalt.exact(value jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN value::numeric END
$$;

-- Decimals hold more than the numbers of JSON as its readers know them: what is too large for float8 is null.
CREATE OR REPLACE FUNCTION basalt.finite(value numeric) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN abs(value) < 1e-300 THEN to_jsonb(0)
    WHEN abs(value) <= 1.7976931348623157e308 THEN to_jsonb(value)
  END
$$;

CREATE OR REPLACE FUNCTION basalt.truth(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_typeof(value) = 'boolean' THEN value::boolean END
$$;

CREATE OR REPLACE FUNCTION basalt.list(value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_typeof(value) = 'array' THEN value END
$$;

CREATE OR REPLACE FUNCTION basalt.has_key(map jsonb, key jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_typeof(map) = 'object' THEN jsonb_exists(map, basalt.text(key)) END
$$;

CREATE OR REPLACE FUNCTION basalt.member(value jsonb, key jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN jsonb_typeof(value) = 'object' THEN value -> basalt.text(key)
    WHEN jsonb_typeof(value) = 'array'
      AND basalt.exact(key) BETWEEN 0 AND 2147483647
      AND basalt.exact(key) = trunc(basalt.exact(key)) THEN value -> basalt.exact(key)::int
  END
$$;

CREATE OR REPLACE FUNCTION basalt.size(value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN CASE jsonb_typeof(value)
    WHEN 'string' THEN to_jsonb(length(value #>> '{}'))
    WHEN 'array' THEN to_jsonb(jsonb_array_length(value))
    WHEN 'object' THEN to_jsonb((SELECT count(*) FROM jsonb_object_keys(value)))
  END;
END
$$;

-- Every operation is guarded, because PostgreSQL fails where float8 overflows or underflows.
-- src/query/arithmetic.ts holds the same guards.
CREATE OR REPLACE FUNCTION basalt.arithmetic(operator text, "left" jsonb, "right" jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  highest CONSTANT float8 := 1.7976931348623157e308;
  lowest CONSTANT float8 := 1e-290;
  safe CONSTANT float8 := 9007199254740991;
  a float8;
  b float8;
BEGIN
  IF operator = '+' AND jsonb_typeof("left") = 'string' AND jsonb_typeof("right") = 'string' THEN
    RETURN to_jsonb(("left" #>> '{}') || ("right" #>> '{}'));
  END IF;
  a := basalt.number("left");
  b := basalt.number("right");
  IF a IS NULL OR b IS NULL THEN
    RETURN NULL;
  END IF;
  CASE operator
    WHEN '+', '-' THEN
      b := CASE operator WHEN '+' THEN b ELSE -b END;
      IF sign(a) = sign(b) AND abs(a) >= highest - abs(b) THEN
        RETURN NULL;
      END IF;
      RETURN to_jsonb(a + b);
    WHEN '*' THEN
      IF abs(b) > 1 AND abs(a) >= highest / abs(b) THEN
        RETURN NULL;
      ELSIF a = 0 OR b = 0 OR (abs(a) < 1 AND abs(b) < 1 AND abs(a) < lowest / abs(b)) THEN
        RETURN to_jsonb(0);
      END IF;
      RETURN to_jsonb(a * b);
    WHEN '/' THEN
      IF b = 0 OR (abs(b) < 1 AND abs(a) >= highest * abs(b)) THEN
        RETURN NULL;
      ELSIF abs(b) > 1 AND abs(a) < lowest * abs(b) THEN
        RETURN to_jsonb(0);
      END IF;
      RETURN to_jsonb(a / b);
    WHEN '%' THEN
      IF b = 0 OR abs(a) > safe OR abs(b) > safe OR a <> trunc(a) OR b <> trunc(b) THEN
        RETURN NULL;
      END IF;
      RETURN to_jsonb(a::bigint % b::bigint);
  END CASE;
END
$$;
`

/**
 * Geography: points on the unit sphere as values of the extension `cube`, whose GiST index serves
 * both containment and order by distance. Fails with the reason where the extension can't be had.
 * It stands in the schema `basalt`, since operators must be named with their schema to be found by any session.
 */
export const geoFunctionsSql = `
CREATE EXTENSION IF NOT EXISTS cube WITH SCHEMA basalt;

DO $$
DECLARE
  home text := (
    SELECT nspname
    FROM pg_extension
    JOIN pg_namespace ON pg_namespace.oid = extnamespace
    WHERE extname = 'cube'
  );
BEGIN
  IF home <> 'basalt' THEN
    RAISE EXCEPTION 'the extension cube is in the schema "%": run ALTER EXTENSION cube SET SCHEMA basalt', home;
  END IF;
END
$$;

-- The coordinate of a valid GeoJSON Point (RFC 7946: longitude first), otherwise NULL.
-- Less than a millionth of a micrometre is 0: below that, PostgreSQL's float8 would underflow, which is an error.
CREATE OR REPLACE FUNCTION basalt.coordinate(value jsonb, at int) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  pair jsonb := CASE WHEN jsonb_typeof(value) = 'object' THEN basalt.list(value -> 'coordinates') END;
  longitude float8 := basalt.number(pair -> 0);
  latitude float8 := basalt.number(pair -> 1);
  degrees float8 := CASE at WHEN 0 THEN longitude ELSE latitude END;
BEGIN
  IF basalt.text(value -> 'type') = 'Point'
    AND jsonb_array_length(pair) BETWEEN 2 AND 3
    AND abs(longitude) <= 180
    AND abs(latitude) <= 90
  THEN
    RETURN CASE WHEN abs(degrees) < 1e-17 THEN 0 ELSE degrees END;
  END IF;
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION basalt.geo(value jsonb) RETURNS basalt.cube
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  lambda float8 := radians(basalt.coordinate(value, 0));
  phi float8 := radians(basalt.coordinate(value, 1));
BEGIN
  IF lambda IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN basalt.cube(ARRAY[cos(phi) * cos(lambda), cos(phi) * sin(lambda), sin(phi)]);
END
$$;
`
