//! What substitute names are made of: frequent, and nobody's in particular.

/// Frequent Chinese surnames of one character.
pub(super) const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文";

/// Compound surnames.
pub(super) const COMPOUND_SURNAMES: [&str; 20] = [
    "欧阳", "上官", "司马", "诸葛", "皇甫", "尉迟", "公孙", "慕容", "令狐", "夏侯", "东方", "司徒",
    "轩辕", "长孙", "宇文", "独孤", "南宫", "西门", "端木", "呼延",
];

/// Characters of given names, of men and women.
pub(super) const GIVEN_CHARACTERS: &str = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国文斌宇浩凯健俊帆雪荣爱妹香月莺媛瑞凡佳嘉琼勤珍贞莉嫣翠雅芝萍晶妍茜秋珊莎锦黛青倩婷姣婉娴瑾颖露瑶怡婵雁蓓纨仪荷丹蓉眉君琴蕊薇菁梦岚苑婕馨瑗琰韵融园艺咏卿聪澜纯毓悦昭冰爽琬茗羽希宁欣飘育滢馥筠柔竹霭凝晓欢霄枫芸菲寒伊亚宜可姬舒影荔枝思彬富顺信子轩辰梓涵泽博瀚致远皓天佑鹏程诚彦飞启航峰旭东海波林森松柏庆生福成康星光达安岩中茂进利清亮政谦亨奇固之轮翰朗伯宏言若鸣朋梁栋维克伦翔龙德行时泰盛雄琛钧冠策腾楠榕风";

/// Given names in Latin letters, of several countries.
pub(super) const GIVEN: &str = "Aaron Adam Adela Adrian Agnes Alan Albert Alex Alice Alina Amelia Amy Andrea Andrew Angela Anita Anna Anton Ariana Arthur Astrid Ava Barbara Basil Ben Bernard Bianca Boris Brenda Brian Bruno Camila Carl Carla Carmen Cecil Celia Charles Chloe Clara Claire Colin Daisy Daniel Daria David Dean Dennis Diana Diego Dina Dora Doris Dylan Edgar Edith Edward Elena Eli Elias Elisa Ella Elsa Emil Emily Emma Enzo Eric Erica Esther Ethan Eva Evelyn Fabian Felix Fiona Flora Frances Frank Freya George Gina Gloria Grace Greta Hannah Harold Harry Hector Heidi Helen Henry Hugo Ian Ida Igor Ines Irene Iris Isaac Isabel Ivan Ivy Jack Jacob James Jane Janet Jason Jean Joan Joel John Jonas Josef Joyce Judith Julia Julian Julie June Karen Karl Kate Keith Kevin Kira Kurt Laila Lara Laura Lea Leo Leon Liam Lidia Lily Linda Lisa Lois Louis Louise Lucas Lucia Lucy Luis Lydia Maya Marco Maria Marie Mario Mark Marta Martin Mary Mateo Maud Max Megan Mia Michael Mila Milan Mira Miriam Mona Monica Myra Nadia Naomi Natalie Neil Nell Nicola Nina Noah Noel Nora Norman Olga Olive Oliver Omar Oscar Otto Pablo Pamela Patrick Paul Paula Pedro Peter Petra Philip Rachel Ralph Ramon Raul Rebecca Rita Robert Robin Rolf Roman Rosa Rose Ruben Rupert Ruth Samuel Sandra Sara Scott Sean Selma Silvia Simon Sofia Sonia Stefan Stella Susan Sven Tania Tara Teresa Theo Thomas Tina Tobias Tom Uma Ursula Valerie Vera Victor Vincent Viola Walter Wanda Wendy William Xenia Yara Yvonne Zoe";

/// Family names in Latin letters, of several countries.
pub(super) const FAMILY: &str = "Abbott Adams Adler Aguilar Allen Alvarez Anders Archer Arnold Ashby Atkins Austin Bailey Baker Baldwin Barber Barker Barnes Barrett Barton Bauer Becker Bell Bennett Benson Berg Berger Bishop Black Blake Bloom Bond Booth Boyd Bradley Brandt Braun Brooks Brown Bruce Bryant Burke Burns Burton Bush Butler Byrne Cameron Carlson Carr Carter Castro Chapman Clark Clay Cole Collins Conrad Cook Cooper Costa Cox Craig Crane Cross Cruz Curtis Dalton Daniels Davies Davis Dawson Day Dean Delgado Dixon Doyle Drake Duffy Duncan Dunn Eaton Eder Edwards Egan Elliott Ellis Engel Evans Farmer Farrell Faulkner Ferrari Fields Fisher Fleming Flores Flynn Ford Forster Foster Fowler Fox Francis Franklin Fraser Freeman French Fuchs Fuller Garcia Gardner Garner Gibbs Gibson Gilbert Glover Gomez Gordon Graham Grant Gray Green Greene Griffin Gross Gruber Haas Hahn Hale Hall Hansen Hardy Harper Harris Hart Hartman Harvey Hayes Heath Heller Henry Herman Hill Hoffman Holland Holmes Holt Hopkins Horn Horton Howard Huber Hudson Hughes Hunt Hunter Ingram Irwin Jackson Jacobs Jansen Jenkins Jensen Johnson Jones Jordan Joyce Kaiser Kane Keller Kelly Kemp Kennedy Kerr King Klein Knight Koch Kramer Krause Lambert Lane Lang Larsen Lawson Lee Lehman Lewis Lloyd Long Lopez Lowe Lucas Lynch Maier Malone Manning Marsh Marshall Martin Mason Mayer Meier Mendez Meyer Miller Mills Mitchell Moore Morales Moreno Morgan Morris Moss Mueller Murphy Murray Nash Nelson Newman Nichols Nielsen Nolan Norris Novak Olsen Ortiz Osborne Owens Page Palmer Parker Parsons Payne Pearson Pereira Perez Perry Peters Phillips Pierce Porter Powell Price Quinn Ramirez Ramsey Reed Reeves Reid Reyes Reynolds Rhodes Richter Riley Rivera Roberts Robinson Rogers Romero Rossi Rowe Russell Russo Ryan Sanchez Sanders Santos Sauer Schmidt Schulz Scott Seidel Shaw Shepherd Silva Simmons Simon Slater Smith Snyder Soto Sousa Spencer Stein Stevens Stewart Stone Sutton Swift Tanner Taylor Thomas Thompson Todd Torres Tucker Turner Vance Vargas Vega Vogel Wagner Walker Wallace Walsh Walter Ward Warner Watson Weaver Webb Weber Wells Werner West Wheeler White Wilson Winter Wolf Wood Woods Wright Yates Young Zeller Ziegler Zimmer";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The second candidate is the list's next entry: it has to be another one.
    #[test]
    fn no_entry_stands_twice() {
        #[track_caller]
        fn check<T: Ord>(entries: impl Iterator<Item = T>, at_least: usize) {
            let all: Vec<T> = entries.collect();
            let count = all.len();
            assert_eq!(all.into_iter().collect::<BTreeSet<T>>().len(), count);
            assert!(count >= at_least, "{count}");
        }
        check(SURNAMES.chars(), 100);
        check(COMPOUND_SURNAMES.into_iter(), 20);
        check(GIVEN_CHARACTERS.chars(), 200);
        check(GIVEN.split_whitespace(), 200);
        check(FAMILY.split_whitespace(), 256);
    }

    #[test]
    fn lists_hold_what_their_masks_expect() {
        assert!(
            COMPOUND_SURNAMES
                .iter()
                .all(|name| name.chars().count() == 2)
        );
        let han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        assert!(SURNAMES.chars().chain(GIVEN_CHARACTERS.chars()).all(han));
        assert!(COMPOUND_SURNAMES.iter().all(|name| name.chars().all(han)));
        for word in GIVEN.split_whitespace().chain(FAMILY.split_whitespace()) {
            let rest = word.get(1..).unwrap_or_default();
            assert!(word.starts_with(|c: char| c.is_ascii_uppercase()), "{word}");
            assert!(
                !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_lowercase()),
                "{word}"
            );
        }
    }
}
