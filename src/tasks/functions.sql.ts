import { workerSchema } from './graphile.ts'

/**
 * What puts tasks into the database, and what hands them to the worker. Functions, so that a statement that writes
 * something else can enqueue too, and so that what has to be read under a lock is read after the lock was taken.
 */
export const taskFunctionsSql = `
  -- Enqueues tasks of one project, in the caller's transaction. Each task is an object with
  --   id, kind, name, payload, max_attempts, timeout_ms
  -- and, where wanted, queue, priority, run_at, key, replaces, idempotency, fingerprint, schedule, scheduled_for.
  -- Answers which id stands for each: another one where the key is held, or the request was made before.
  -- Tells nobody: a NOTIFY would make the commits of all writers wait for each other. Whoever calls it tells the
  -- node after COMMIT; what that misses is found by the sweep.
  CREATE OR REPLACE FUNCTION basalt.enqueue_tasks(project text, tasks json)
  RETURNS TABLE (task_id text, standing_id text, fingerprint text)
  LANGUAGE plpgsql AS $$
  #variable_conflict use_column
  DECLARE
    task json;
    inserted text[];
  BEGIN
    INSERT INTO basalt.task_queues (project_id, name)
    SELECT DISTINCT project, input.value->>'queue'
    FROM json_array_elements(tasks) AS input
    WHERE coalesce(input.value->>'queue', 'default') <> 'default'
    ON CONFLICT DO NOTHING;
    IF FOUND AND (SELECT count(*) FROM basalt.task_queues WHERE project_id = project) > 100 THEN
      RAISE EXCEPTION 'too many task queues' USING ERRCODE = 'program_limit_exceeded';
    END IF;

    WITH done AS (SELECT basalt.insert_tasks(project, tasks) AS id)
    SELECT array_agg(id) INTO inserted FROM done;
    IF cardinality(inserted) = json_array_length(tasks) THEN
      RETURN QUERY SELECT id, id, NULL::text FROM unnest(inserted) AS id;
      RETURN;
    END IF;

    FOR task IN SELECT value FROM json_array_elements(tasks) LOOP
      IF task->>'id' = ANY (inserted) THEN
        RETURN QUERY SELECT task->>'id', task->>'id', NULL::text;
      ELSE
        RETURN QUERY SELECT task->>'id', standing.id, standing.fingerprint
                     FROM basalt.enqueue_beside(project, task) AS standing;
      END IF;
    END LOOP;
  END $$;

  CREATE OR REPLACE FUNCTION basalt.insert_tasks(project text, tasks json)
  RETURNS SETOF text
  LANGUAGE sql AS $$
    INSERT INTO basalt.tasks (
      project_id, id, kind, name, queue, state, priority, payload, run_at, max_attempts, timeout_ms, key, held_key,
      idempotency, fingerprint, schedule, scheduled_for
    )
    SELECT
      project, id, kind, name, coalesce(queue, 'default'),
      CASE WHEN run_at > now() THEN 'scheduled' ELSE 'waiting' END,
      coalesce(priority, 0), coalesce(payload, 'null'), coalesce(run_at, now()), max_attempts, timeout_ms, key, key,
      idempotency, fingerprint, schedule, scheduled_for
    FROM json_to_recordset(tasks) AS input (
      id text, kind text, name text, queue text, priority smallint, payload json, run_at timestamptz,
      max_attempts int, timeout_ms int, key text, idempotency text, fingerprint text, schedule text,
      scheduled_for timestamptz
    )
    ON CONFLICT DO NOTHING
    RETURNING id
  $$;

  -- For a task that was not inserted: the one that is in its place. What was there may start or go meanwhile, and
  -- leave the place free.
  CREATE OR REPLACE FUNCTION basalt.enqueue_beside(project text, task json)
  RETURNS TABLE (id text, fingerprint text)
  LANGUAGE plpgsql AS $$
  #variable_conflict use_column
  BEGIN
    FOR attempt IN 1..10 LOOP
      RETURN QUERY
        SELECT id, fingerprint
        FROM basalt.tasks
        WHERE project_id = project
          AND (id = task->>'id' OR idempotency = task->>'idempotency')
        LIMIT 1;
      IF FOUND THEN RETURN; END IF;

      IF (task->>'replaces')::boolean THEN
        RETURN QUERY
          UPDATE basalt.tasks
          SET kind = task->>'kind',
              name = task->>'name',
              queue = coalesce(task->>'queue', 'default'),
              priority = coalesce((task->>'priority')::smallint, 0),
              payload = coalesce(task->'payload', 'null'),
              run_at = coalesce((task->>'run_at')::timestamptz, now()),
              state = CASE WHEN (task->>'run_at')::timestamptz > now() THEN 'scheduled' ELSE 'waiting' END,
              max_attempts = (task->>'max_attempts')::int,
              timeout_ms = (task->>'timeout_ms')::int
          WHERE project_id = project AND held_key = task->>'key'
          RETURNING id, NULL::text;
      ELSE
        RETURN QUERY
          SELECT id, NULL::text
          FROM basalt.tasks
          WHERE project_id = project AND held_key = task->>'key';
      END IF;
      IF FOUND THEN RETURN; END IF;

      RETURN QUERY SELECT inserted, NULL::text FROM basalt.insert_tasks(project, json_build_array(task)) AS inserted;
      IF FOUND THEN RETURN; END IF;
    END LOOP;
    RAISE EXCEPTION 'the place of a task changes too fast' USING ERRCODE = 'serialization_failure';
  END $$;

  -- Hands the next due tasks of some projects to the worker, as many as each may have there. The lock makes the
  -- bound exact over all nodes; what follows it sees what was committed while it was waited for.
  -- The lines of a project are its queues, so one that is full or paused is stepped over, however long it is.
  CREATE OR REPLACE FUNCTION basalt.admit_tasks(wanted text[], at_once int)
  RETURNS int
  LANGUAGE plpgsql AS $$
  #variable_conflict use_column
  DECLARE
    project text;
    room int;
    specs ${workerSchema}.job_spec[];
    admitted ${workerSchema}.job_spec[] := '{}';
  BEGIN
    -- Always in the same order, so that no two nodes wait for each other.
    FOR project IN SELECT id FROM basalt.projects WHERE id = ANY (wanted) ORDER BY id LOOP
      PERFORM pg_advisory_xact_lock(hashtextextended('admit tasks of ' || project, 0));
      SELECT at_once - count(*) INTO room
      FROM basalt.tasks
      WHERE project_id = project AND state IN ('ready', 'running');
      CONTINUE WHEN room <= 0;

      WITH busy AS (
        SELECT queue, count(*) AS tasks
        FROM basalt.tasks
        WHERE project_id = project AND state IN ('ready', 'running')
        GROUP BY queue
      ), queues AS (
        SELECT name, concurrency, is_paused
        FROM basalt.task_queues
        WHERE project_id = project
        UNION ALL
        SELECT 'default', NULL, false
        WHERE NOT EXISTS (SELECT FROM basalt.task_queues WHERE project_id = project AND name = 'default')
      ), lines AS (
        SELECT name, least(room, coalesce(concurrency - coalesce(busy.tasks, 0), room)) AS free
        FROM queues
        LEFT JOIN busy ON busy.queue = queues.name
        WHERE NOT is_paused
      ), chosen AS (
        SELECT next.id
        FROM lines
        CROSS JOIN LATERAL (
          SELECT id, priority, run_at
          FROM basalt.tasks
          WHERE project_id = project AND queue = lines.name AND state = 'waiting'
          ORDER BY priority DESC, run_at, id
          LIMIT greatest(0, lines.free)
        ) AS next
        ORDER BY next.priority DESC, next.run_at, next.id
        LIMIT room
      ), made_ready AS (
        UPDATE basalt.tasks
        SET state = 'ready'
        FROM chosen
        -- An expression, or the index of what waits would be taken: that is found by the id, and read to its end.
        WHERE project_id = project AND tasks.id = chosen.id AND state || '' = 'waiting'
        RETURNING tasks.id, tasks.priority, tasks.run_at
      )
      SELECT array_agg(
        ROW ('task', json_build_object('project', project, 'task', id), NULL, NULL, NULL, NULL, NULL, NULL)::${workerSchema}.job_spec
        ORDER BY priority DESC, run_at, id
      )
      INTO specs
      FROM made_ready;
      admitted := admitted || coalesce(specs, '{}');
    END LOOP;
    IF cardinality(admitted) > 0 THEN
      PERFORM ${workerSchema}.add_jobs(admitted);
    END IF;
    RETURN cardinality(admitted);
  END $$;
`
