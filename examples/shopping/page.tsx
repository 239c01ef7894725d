import { createClient } from '@basalt/client'
import { createHooks } from '@basalt/client/react'
import { useState } from 'react'
import { createRoot } from 'react-dom/client'
import type { schema } from './schema.ts'

declare const page: {
  readonly project: { readonly url: string; readonly project: string; readonly key: string }
}
declare const document: { querySelector(selector: string): never }

const basalt = createClient<typeof schema>(page.project)
const items = basalt.collection('items')
const { BasaltProvider, useConnection, usePresence, useQuery, useUser } = createHooks<typeof schema>()

function App() {
  const user = useUser()
  const [name, setName] = useState('')
  if (user === undefined) return null
  if (user === null || name === '') return <Door onEnter={setName} isKnown={user !== null} />
  return <List name={name} />
}

function Door({ onEnter, isKnown }: { onEnter: (name: string) => void; isKnown: boolean }) {
  async function enter(form: FormData): Promise<void> {
    if (!isKnown) await basalt.auth.signInAnonymously()
    onEnter(textOf(form, 'name'))
  }
  return (
    <form action={enter}>
      <input name="name" placeholder="Your name" required maxLength={40} />
      <button>Come in</button>
    </form>
  )
}

function List({ name }: { name: string }) {
  const list = useQuery('items', { sort: ['done', 'createdAt'], limit: 100 })
  const { members } = usePresence('list', { name })
  const { status } = useConnection()
  if (list.status === 'failed') return <p>{list.error.message}</p>
  return (
    <>
      <p>
        {members.map((member) => member.presence.name).join(', ')}
        {status === 'connected' ? '' : ' (no connection; the list is as it was)'}
      </p>
      <ul>
        {list.documents?.map((item) => (
          <Item key={item.id} {...item} />
        ))}
      </ul>
      <form action={(form: FormData) => void items.create({ text: textOf(form, 'text'), done: false })}>
        <input name="text" placeholder="What else?" required maxLength={100} />
        <button>Add</button>
      </form>
    </>
  )
}

function Item({ id, text, done }: { id: string; text: string; done: boolean }) {
  return (
    <li>
      <label>
        <input type="checkbox" checked={done} onChange={() => void items.update(id, { done: !done })} />
        {done ? <s>{text}</s> : text}
      </label>
      {done && <button onClick={() => void items.delete(id)}>Remove</button>}
    </li>
  )
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value : ''
}

createRoot(document.querySelector('#root')).render(
  <BasaltProvider client={basalt}>
    <App />
  </BasaltProvider>,
)
