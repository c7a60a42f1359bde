//! Questions to the lab's DNS, with the verdict of a validator that is not ours.

use bytes::Bytes;
use domain::{
    base::{
        Message, MessageBuilder, Name, ParsedName,
        iana::{Rcode, Rtype},
    },
    dnssec::validator::{
        anchor::TrustAnchors,
        context::{ValidationContext, ValidationState},
    },
    net::client::{
        dgram_stream,
        protocol::{TcpConnect, UdpConnect},
        request::{ComposeRequest, RequestMessage, SendRequest},
    },
    rdata::AllRecordData,
};
use tokio::net::UdpSocket;
use waxseal_lab::Lab;

/// The response code of a plain question, without any validation.
pub(crate) async fn rcode(lab: &Lab, name: &str, rtype: Rtype) -> Rcode {
    let mut question = MessageBuilder::new_vec().question();
    question.push((Name::vec_from_str(name).unwrap(), rtype)).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&question.finish(), lab.dns()).await.unwrap();
    let mut buffer = [0; 512];
    let length = socket.recv(&mut buffer).await.unwrap();
    Message::from_octets(&buffer[..length]).unwrap().header().rcode()
}

/// The answer to a question, and what the validator says of it.
pub(crate) async fn ask(lab: &Lab, name: &str, rtype: Rtype) -> (Message<Bytes>, ValidationState) {
    let (connection, transport) = dgram_stream::Connection::<_, RequestMessage<Vec<u8>>>::new(
        UdpConnect::new(lab.dns()),
        TcpConnect::new(lab.dns()),
    );
    let task = tokio::spawn(transport.run());
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_rd(true);
    builder.header_mut().set_cd(true);
    let mut question = builder.question();
    question.push((Name::vec_from_str(name).unwrap(), rtype)).unwrap();
    let mut request = RequestMessage::new(question).unwrap();
    request.set_dnssec_ok(true);
    let mut reply = connection.send_request(request).get_response().await.unwrap();
    let anchors = TrustAnchors::from_u8(lab.trust_anchor().as_bytes()).unwrap();
    let (state, _) = ValidationContext::new(anchors, connection).validate_msg(&mut reply).await.unwrap();
    task.abort();
    (reply, state)
}

/// The records of an answer in presentation form, without signatures.
pub(crate) fn records(reply: &Message<Bytes>) -> Vec<String> {
    let answer =
        reply.answer().unwrap().limit_to::<AllRecordData<Bytes, ParsedName<Bytes>>>().map(Result::unwrap);
    answer.filter(|r| r.rtype() != Rtype::RRSIG).map(|r| r.data().to_string()).collect()
}
