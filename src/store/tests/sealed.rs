use super::*;
use http::header::SET_COOKIE;

fn contains(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

#[tokio::test]
async fn nothing_of_a_persons_page_but_its_address_is_in_the_file() {
    let mut copy = page("the balance of Erika Mustermann is 1234 euros. ".repeat(50));
    copy.headers.insert("x-account", HeaderValue::from_static("DE02120300000000202051"));
    copy.headers.insert(SET_COOKIE, HeaderValue::from_static("sid=5ecre7"));
    let house = House::with(&[(&persons("/account", 9), &copy)]).await;
    let raw = std::fs::read(house.path()).unwrap();
    assert!(contains(&raw, "/account"));
    for words in ["Mustermann", "DE0212", "5ecre7", "x-account"] {
        assert!(!contains(&raw, words), "{words}");
    }
    assert!(!raw.windows(32).any(|window| window == [9; 32]), "the seal");
    let plain = blake3::hash(&copy.body);
    assert!(!raw.windows(16).any(|window| window == &plain.as_bytes()[..16]), "a plain hash");
    assert_same(house.get(&persons("/account", 9)).await, &copy);
}

#[tokio::test]
async fn another_seal_opens_nothing_and_destroys_nothing() {
    let house = House::with(&[(&persons("/", 1), &page("mine"))]).await;
    let store = house.open();
    assert!(store.find(&persons("/", 2), NOW).await.is_none());
    assert!(store.find(&key("/"), NOW).await.is_none());
    assert_same(store.find(&persons("/", 1), NOW).await, &page("mine"));
    assert!(store.find(&persons("/", 2), NOW).await.is_none(), "from memory");
    assert_eq!(store.counters().damaged, 0);
    store.close().await;
    assert_same(house.get(&persons("/", 1)).await, &page("mine"));
}

#[tokio::test]
async fn what_waits_for_the_writer_is_given_to_its_own_person_only() {
    let mut house = House::new();
    (house.settings.memory, house.settings.commit) = (0, HOUR);
    let store = house.open();
    store.put(persons("/", 1), page("mine"), true);
    assert!(store.find(&persons("/", 2), NOW).await.is_none());
    assert!(store.find(&persons("/", 1), NOW).await.is_some());
    store.close().await;
}

#[test]
fn a_message_bound_to_one_place_does_not_open_in_another() {
    let seal = seal::Seal(&[3; 32]);
    let (nonce, sealed) = seal.close(b"here", b"words").unwrap();
    assert_eq!(seal.open(&nonce, b"here", &sealed).unwrap(), b"words");
    assert!(seal.open(&nonce, b"there", &sealed).is_none());
    assert!(seal.open(&nonce, b"here", &sealed[..sealed.len() - 1]).is_none());
    let (other, _) = seal.close(b"here", b"words").unwrap();
    assert_ne!(nonce, other);
}
